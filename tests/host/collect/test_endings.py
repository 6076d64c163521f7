"""How long links may bring frames of a boot that is over."""

import pytest
from boards import START, config
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.collect.endings import GRACE_INTERVALS, GRACE_S
from buddywatch.model.samples import REBOOT
from buddywatch.store.store import Store
from trackertools import FACTS, board, held, hello

INTERVAL_S = int(FACTS["interval_cs"]) / 100
WAIT_S = GRACE_S + GRACE_INTERVALS * INTERVAL_S


class Carrier:
    """What a board looks at of a link that cannot be asked: which boot it carries."""

    can_ask = False

    def __init__(self, made):
        self.boot_id = made and made.boot


class World:
    def __init__(self, db):
        self.db = db
        self.at = Now(START, 0.0)
        self.carriers = []
        self.start()

    def start(self):
        self.store = Store.open(self.db)
        self.boards = Boards(self.store, config(), lambda line: None, lambda name: False)

    def kill(self):
        """What is not stored is lost."""
        self.store.close()
        self.start()
        self.boards.open_expected(self.store.boards_ending(), self.at)

    def hear(self, items):
        for item in items:
            self.boards.do("xp", lambda board, item=item: board.take(item, self.at.time, True, self.at), self.at)
        self.ask()

    def ask(self):
        self.boards.do("xp", lambda board: board.ask(self.carriers, self.at), self.at)
        self.boards.gather(0.0)
        self.store.write(self.boards.take_batch())

    def wait(self, seconds):
        self.at = Now(self.at.time + seconds, self.at.monotonic_s + seconds)
        for _ in self.boards.tick(self.at):
            self.ask()

    def lost(self):
        return [(gap.boot_id, gap.first, gap.last, gap.reason) for gap in self.store.gaps("xp")]

    def stored(self, made):
        return [shot.seq for shot in self.store.snapshots("xp") if shot.boot_id == made.boot]

    def reboots(self):
        return [change.boot_id for change in self.store.transitions("xp") if change.rule == "rebooted"]


BEFORE, AFTER = board(polls=9), board("0000000b", polls=1, kboot="b2")


@pytest.fixture
def world(tmp_path):
    """A board with two links, of which one is past a reboot and the other is not."""
    world = World(tmp_path / "a.db")
    world.carriers = [Carrier(AFTER), Carrier(BEFORE)]
    world.hear([*hello(BEFORE), *held(BEFORE, 1, 2), *hello(AFTER), *held(AFTER)])
    yield world
    world.store.close()


def test_frames_of_a_slower_link_are_stored_once(world):
    world.wait(1.0)
    assert (world.lost(), world.reboots()) == ([], [])
    world.hear(held(BEFORE, 2, 3, 4, 5, 6, 7, 8))
    world.hear(held(BEFORE, 3, 4))
    assert world.stored(BEFORE) == [1, 2, 3, 4, 5, 6, 7, 8]
    world.carriers[1] = Carrier(AFTER)
    world.hear(hello(AFTER))
    assert world.lost() == [(BEFORE.boot, 9, 9, REBOOT)]
    assert world.reboots() == [AFTER.boot]


@pytest.mark.parametrize("carriers", [[], [None], [AFTER]], ids=["none", "silent", "past-it"])
def test_boot_is_closed_at_once_where_no_link_is_behind(tmp_path, carriers):
    world = World(tmp_path / "a.db")
    world.carriers = list(map(Carrier, carriers))
    world.hear([*hello(BEFORE), *held(BEFORE, 1, 2), *hello(AFTER)])
    assert world.lost() == [(BEFORE.boot, 3, 9, REBOOT)]
    assert world.reboots() == [AFTER.boot]
    world.store.close()


def test_boot_is_closed_when_nothing_comes_of_it_for_a_while(world):
    world.wait(WAIT_S - 1)
    world.hear(held(BEFORE, 3))
    world.wait(WAIT_S - 0.1)
    assert world.lost() == []
    world.wait(0.1)
    assert world.lost() == [(BEFORE.boot, 4, 9, REBOOT)]
    assert world.reboots() == [AFTER.boot]
    world.hear(held(BEFORE, 4, 5))
    assert world.stored(BEFORE) == [1, 2, 3]


def test_collector_that_was_killed_closes_the_boot_when_its_time_is_up(world):
    world.wait(GRACE_S - 1)
    world.kill()
    world.wait(WAIT_S - GRACE_S + 1)
    assert world.lost() == [(BEFORE.boot, 3, 9, REBOOT)]
    assert world.reboots() == [AFTER.boot]
    world.kill()
    world.hear([*hello(AFTER), *held(AFTER)])
    assert world.reboots() == [AFTER.boot]


def test_collector_that_was_killed_takes_what_comes_late(world):
    world.kill()
    world.carriers = []
    world.ask()
    world.hear([*hello(AFTER), *hello(BEFORE), *held(BEFORE, 3, 4, 5, 6, 7, 8, 9)])
    assert world.stored(BEFORE) == list(range(1, 10))
    world.wait(WAIT_S)
    assert (world.lost(), world.reboots()) == ([], [AFTER.boot])


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_clock_that_was_set_while_no_collector_ran(world, step_s):
    world.at = world.at._replace(time=world.at.time + step_s)
    world.kill()
    world.wait(WAIT_S)
    assert world.lost() == [(BEFORE.boot, 3, 9, REBOOT)]


def test_end_of_the_collector_closes_it(world):
    world.boards.close_ended(world.at)
    world.ask()
    assert world.lost() == [(BEFORE.boot, 3, 9, REBOOT)]
    assert world.store.boards_ending() == set()


def test_boot_that_goes_on_keeps_what_it_lacks_and_was_no_reboot(world):
    more = board(polls=10)
    world.hear(hello(more))
    world.wait(2 * WAIT_S)
    assert (world.lost(), world.reboots()) == ([], [])
    assert world.store.boards_ending() == set()
