"""This machine's clock is set while boards are watched: stored times are put right, and ages stay true."""

import time

import pytest
from boards import config
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.config.sections import Collector, Config
from buddywatch.protocol.line_stream import LinkSession, Text
from buddywatch.store.heard import boottime_s
from buddywatch.store.store import Store
from buddywatch.terminal.overview import overview
from modelboard import ModelBoard, facts

EPOCH = 1.7e9


class World:
    """A board that is polled each second, and a collector whose clock is wrong by error_s."""

    def __init__(self, path, error_s=0.0):
        self.store = Store.open(path)
        made, width = facts(name="xp", interval_cs="100")
        self.board = ModelBoard("0000b001", made, width, 100_000, 1, up_cs=0)
        self.error_s = error_s
        self.true_s = 0.0
        self.begin()

    def begin(self):
        """A collector starts."""
        self.session = LinkSession()
        self.boards = Boards(self.store, config(), lambda line: None, lambda board: False)
        self.hear(self.board.hello())

    @property
    def now(self):
        return Now(EPOCH + self.true_s + self.error_s, self.true_s)

    def hear(self, lines):
        for item in self.session.feed(b"".join(bytes(line) + b"\n" for line in lines)):
            assert not isinstance(item, Text)
            at = self.now
            self.boards.do("xp", lambda board, item=item, at=at: board.take(item, at.time, True, at), at)

    def poll(self, times):
        for _ in range(times):
            self.true_s += 1.0
            self.board.vector[0] = round(self.true_s * 100) - 100  # poll() adds the interval, and some jitter
            self.hear(self.board.poll())

    def save(self):
        self.boards.gather(boottime_s())
        self.store.write(self.boards.take_batch())

    def set_clock(self, error_s):
        step_s, self.error_s = error_s - self.error_s, error_s
        self.boards.restart_clocks(step_s, self.now)

    def errors_s(self):
        """By how much each stored time is wrong."""
        return [shot.time - EPOCH - shot.uptime_ms / 1000 for shot in self.store.snapshots("xp")]


@pytest.fixture
def db(tmp_path):
    return tmp_path / "a.db"


@pytest.mark.parametrize("wrong_s", [-8 * 3600.0, 30 * 86_400.0])
def test_times_that_a_wrong_clock_gave_are_put_right(db, wrong_s):
    world = World(db, wrong_s)
    world.poll(20)
    world.save()
    assert world.errors_s() == pytest.approx([wrong_s] * 20, abs=1)
    world.set_clock(0.0)
    world.poll(20)
    world.save()
    assert world.errors_s() == pytest.approx([0.0] * 40, abs=1)
    assert world.store.latest_boot("xp").started == pytest.approx(EPOCH, abs=1)
    world.store.close()


def test_what_was_stored_by_a_right_clock_stays(db):
    """The machine starts with its clock 8 h slow, and NTP sets it a little later; the board was known before."""
    world = World(db)
    world.poll(20)
    world.save()
    world.error_s = -8 * 3600.0
    world.begin()
    world.poll(20)
    world.set_clock(0.0)
    world.poll(20)
    world.save()
    assert world.errors_s() == pytest.approx([0.0] * 60, abs=1)
    world.store.close()


def test_clock_that_was_fast_is_recognised_after_a_restart(db):
    world = World(db, 30 * 86_400.0)
    world.poll(20)
    world.save()
    world.error_s = 0.0
    world.begin()
    world.poll(20)
    world.save()
    assert world.errors_s() == pytest.approx([0.0] * 40, abs=1)
    world.store.close()


@pytest.mark.parametrize("wrong_s", [-8 * 3600.0, 30 * 86_400.0])
def test_age_of_a_living_board_does_not_depend_on_the_wall_clock(db, wrong_s):
    world = World(db, wrong_s)
    world.poll(5)
    world.save()
    seen = overview(world.store, Config(Collector(db)), "xp", EPOCH + world.true_s)
    assert 0 <= seen.age_s < 60
    world.store.close()


def test_age_is_unknown_where_the_clock_was_ahead_and_the_machine_was_restarted(db):
    world = World(db, 30 * 86_400.0)
    world.poll(5)
    world.save()
    world.store._connection.execute("UPDATE heard SET host_boot = 'another'")
    seen = overview(world.store, Config(Collector(db)), "xp", EPOCH + world.true_s)
    assert seen.age_s is None
    seen = overview(world.store, Config(Collector(db)), "xp", time.time())
    assert seen.age_s == pytest.approx(time.time() - EPOCH - 30 * 86_400, abs=60)
    world.store.close()


def test_frames_fetched_late_do_not_make_a_board_look_alive(db):
    world = World(db)
    world.poll(10)
    world.save()
    heard = world.store.heard_ago_s("xp")
    assert heard is not None
    lines = world.board.answer("0000b001", 1, 5)
    world.begin()
    world.hear(lines)
    world.boards.gather(boottime_s() + 1000)
    rows = world.boards.take_batch().boards.get("xp")
    assert rows is None or rows.heard_boottime_s is None
    world.store.close()


def test_board_whose_uptime_stands_still_is_heard_all_the_same(db):
    """A copy of /proc, as in the tutorial: each snapshot has the time of the one before."""
    world = World(db)
    world.poll(2)
    world.save()
    for _ in range(3):
        world.board.vector[0] -= 100  # poll() adds the interval
        world.hear(world.board.poll())
        world.boards.gather(boottime_s())
        assert world.boards.take_batch().boards["xp"].heard_boottime_s is not None
    world.store.close()


def test_hours_that_a_pipe_brings_in_a_moment_end_now(db):
    world = World(db)
    world.hear(world.board.stream(2000))  # a snapshot a second
    world.save()
    assert max(world.errors_s()) > 60 - 2000  # a minute ahead of now, and more
    world.boards.do("xp", lambda board: board.put_clock_right(world.now), world.now)
    world.save()
    assert world.errors_s() == pytest.approx([-2000.0] * 2000, abs=1)
    world.boards.do("xp", lambda board: board.put_clock_right(world.now), world.now)
    world.boards.gather(boottime_s())
    assert not len(world.boards.take_batch())
    world.store.close()
