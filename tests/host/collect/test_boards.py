"""Boards in memory: each apart from the others, whatever one of them brings."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from boards import BOOT_ID, START, config, kernel_event, refused, snapshot
from boards import boot as bare_boot
from buddywatch.collect import boards as boards_module
from buddywatch.collect.board import Now
from buddywatch.collect.boards import ASIDE_S, Boards
from buddywatch.config.sections import Board
from buddywatch.model.batch import Batch, LinkChange, MovedBoot, Removal
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.store import care
from buddywatch.store.store import Store
from buddywatch.text.escape import local_day_time


def boot():
    """With all that a whole hello says."""
    return bare_boot(up="0", oldest="1", next="1")


class World:
    """Boards over a store; the test sets the time."""

    def __init__(self, path, settings=None):
        self.store = Store.open(path)
        self.news = []
        self.writing = set()
        self.at = Now(START, 0.0)
        self.boards = Boards(self.store, settings or config(tight="off"), self.news.append, self.writing.__contains__)

    def wait(self, seconds):
        self.at = Now(self.at.time + seconds, self.at.monotonic_s + seconds)
        return self.boards.tick(self.at)

    def feed(self, name, *items):
        """Items as the tracker gives them."""
        return self.boards.do(name, lambda board: board.rules.take(items, *self.at) or "fed", self.at)

    def save(self):
        self.boards.gather(1.0)
        self.store.write(self.boards.take_batch())


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "a.db")
    yield world
    world.store.close()


def raises(board):
    raise ZeroDivisionError("division\nby zero")


def test_board_that_raises_is_set_aside_and_the_others_go_on(world):
    world.feed("good", boot(), snapshot(1))
    world.feed("bad", boot(), snapshot(1))
    assert world.boards.do("bad", raises, world.at) is None
    assert world.feed("bad", snapshot(2)) is None
    assert world.feed("good", snapshot(2)) == "fed"
    world.save()
    assert [shot.seq for shot in world.store.snapshots("good")] == [1, 2]
    assert list(world.store.snapshots("bad")) == []
    told = [line for line in world.news if line.startswith("bad: cannot be followed")]
    assert len(told) == 1
    assert "ZeroDivisionError" in told[0] and "test_boards.py" in told[0]


def test_board_that_was_set_aside_is_tried_again(world):
    world.boards.do("bad", raises, world.at)
    world.wait(ASIDE_S - 1)
    assert world.feed("bad", boot()) is None
    world.wait(1)
    assert world.feed("bad", boot(), snapshot(1)) == "fed"
    world.save()
    assert [shot.seq for shot in world.store.snapshots("bad")] == [1]


def test_the_same_complaint_is_told_once(world):
    for _ in range(3):
        world.boards.do("bad", raises, world.at)
        world.wait(ASIDE_S)
    assert len(world.news) == 1


def test_damaged_rows_of_a_board_cost_that_board_only(world):
    for name in ("good", "bad"):
        world.feed(name, boot(), snapshot(1))
    world.save()
    with closing(sqlite3.connect(world.store.path)) as damaged, damaged:
        damaged.execute("UPDATE boots SET facts = '{' WHERE board = 'bad'")
    again = World(world.store.path)
    again.boards.open_expected(["bad", "good"], again.at)
    assert again.feed("good", snapshot(2)) == "fed"
    again.save()
    assert [shot.seq for shot in again.store.snapshots("good")] == [1, 2]
    again.store.close()


def test_board_is_not_read_while_its_rows_are_on_their_way_to_the_store(world):
    world.writing.add("xp")
    assert world.feed("xp", boot()) is None
    world.writing.clear()
    assert world.feed("xp", boot()) == "fed"


def test_rows_of_all_boards_together_are_bounded_and_the_largest_goes_first(world, monkeypatch):
    monkeypatch.setattr(boards_module, "ROWS_MAX", 30)
    world.feed("small", boot(), snapshot(1))
    world.feed("large", boot(), *map(snapshot, range(1, 40)))
    world.boards.gather(1.0)
    world.boards.drop_largest(world.at)
    assert list(world.boards.pending.boards) == ["small"]
    assert [line for line in world.news if line.startswith("large: ")]
    assert world.feed("large", snapshot(40)) is None
    world.save()
    world.wait(ASIDE_S)
    assert world.feed("large", boot(), *map(snapshot, range(1, 42))) == "fed"  # asked of the board again
    world.save()
    assert len(list(world.store.snapshots("large"))) == 41


def test_within_the_bound_nothing_is_dropped(world):
    world.feed("xp", boot(), snapshot(1))
    world.boards.gather(1.0)
    world.boards.drop_largest(world.at)
    assert len(world.boards.pending) > 0


def test_alerts_are_told_when_they_begin_and_when_they_end(world):
    world.feed("xp", boot(), *map(refused, (1, 2, 3)))
    world.boards.gather(1.0)
    assert [line.split(":")[1] for line in world.news] == [" critical, refused"]
    world.feed("xp", *map(snapshot, range(4, 9)))
    world.boards.gather(1.0)
    assert world.news[-1] == "xp: over, refused: rm"
    assert len(world.news) == 2


def test_one_time_events_are_told_like_alerts(world):
    world.feed("xp", boot(), snapshot(1), Gap(BOOT_ID, 2, 4, OVERWRITTEN, START))
    world.feed("xp", bare_boot("0000b002", "reboot", up="0", oldest="1", next="1"))
    world.boards.gather(1.0)
    assert [line.partition(": ")[2].partition(":")[0] for line in world.news] == ["warning, lost", "warning, rebooted"]
    world.boards.gather(1.0)
    assert len(world.news) == 2


def test_more_failures_of_the_kernel_are_told_while_its_alert_lasts(world):
    first, second = kernel_event(2, 2000), kernel_event(3, 3000)
    second = replace(second, comm="other", pid=4711, text=second.text.replace("(rm)", "(other)"))
    world.feed("xp", boot(), snapshot(1), first, second)
    world.boards.gather(1.0)
    assert [line.partition(": ")[2].partition(":")[0] for line in world.news] == ["critical, kernel_failure"] * 2


def test_open_alerts_are_told_at_the_start_as_still_open(world):
    world.feed("xp", boot(), *map(refused, (1, 2, 3)))
    world.save()
    (incident,) = world.store.incidents("xp")
    again = World(world.store.path)
    again.boards.open_expected(["xp"], again.at)
    since = local_day_time(incident.opened)
    assert again.news == [f"xp: still open since {since}: critical, refused: {incident.text}"]
    again.store.close()


def test_open_alerts_are_told_once_however_often_their_board_is_read(world):
    world.feed("xp", boot(), *map(refused, (1, 2, 3)))
    world.save()
    again = World(world.store.path)
    for told_before, boards in ((1, world), (0, again)):
        boards.boards.open_expected(["xp"], boards.at)
        for new_name in ("xp-2", "xp-3"):
            boards.boards.move_boot(MovedBoot("xp", "0000b002", "tcp://127.0.0.1:1", new_name), boards.at, 1.0)
            boards.save()
            boards.wait(1)
            assert boards.feed("xp", snapshot(4)) == "fed"
        assert len([line for line in boards.news if "still open" in line]) == 1 - told_before, boards.news
    again.store.close()


def test_expected_board_that_never_speaks_is_silent_after_a_while(tmp_path):
    world = World(tmp_path / "b.db", replace(config(), boards=(Board("ghost"),)))
    world.boards.open_expected(["ghost"], world.at)
    world.wait(119)
    world.save()
    assert world.store.incidents("ghost") == []
    world.wait(1)
    world.save()
    assert [incident.rule for incident in world.store.incidents("ghost")] == ["silent"]
    world.store.close()


def linked(world, name, url):
    """A board with an open alert that was heard over this link."""
    world.feed(name, boot(), refused(1), refused(2))
    world.save()
    batch = Batch()
    batch.links = [LinkChange(name, url, True, START)]
    world.store.write(batch)


def test_alerts_of_boards_to_which_no_link_leads_any_more_are_closed_without_a_message(tmp_path):
    world = World(tmp_path / "b.db", replace(config(tight="off"), boards=(Board("named"),)))
    for name, url in (("gone", "tcp://a:1"), ("named", "tcp://a:1"), ("here", "tcp://b:1")):
        linked(world, name, url)
    world.feed("unknown", boot(), refused(1), refused(2))
    world.save()
    reported = len(world.store.unreported("gone"))
    world.boards.close_unlinked({"tcp://b:1"}, world.at)
    world.wait(10_000)
    world.save()
    still = {incident.board for incident in world.store.incidents(open_only=True) if incident.rule == "refused"}
    assert still == {"named", "here", "unknown"}
    assert [incident.rule for incident in world.store.incidents("gone", open_only=True)] == []
    assert len(world.store.unreported("gone")) == reported
    assert [line for line in world.news if "closed" in line] == [
        "gone: its alerts are closed: no link leads to this board any more"
    ]
    world.feed("gone", snapshot(3), refused(4), refused(5))
    world.save()
    assert len(world.store.incidents("gone", open_only=True)) == 1
    world.store.close()


def test_incident_numbers_go_on_after_those_in_the_store(world):
    world.feed("xp", boot(), *map(refused, (1, 2, 3)))
    world.save()
    again = World(world.store.path)
    again.feed("yp", boot(), *map(refused, (1, 2, 3)))
    again.save()
    ids = [incident.id for incident in again.store.incidents()]
    assert len(ids) == len(set(ids)) == 2
    assert again.store.resume("yp").boot.boot_id == BOOT_ID
    again.store.close()


def test_store_that_takes_nothing_keeps_what_was_judged(world):
    """Rows that wait are those of the whole time, not of the last second only."""
    world.feed("xp", boot(), snapshot(1))
    world.boards.gather(1.0)
    world.feed("xp", snapshot(2))
    world.boards.gather(1.0)
    world.store.write(world.boards.take_batch())
    assert [shot.seq for shot in world.store.snapshots("xp")] == [1, 2]
    assert world.store.rules_history("xp").judged == {BOOT_ID: 2}


def test_end_of_an_alert_about_no_need_names_its_rule_alone(world):
    world.feed("xp", boot(), snapshot(1), kernel_event(2, 2000), snapshot(3))
    world.feed("xp", replace(boot(), boot_id="0badcafe", cause="reboot"), snapshot(1, boot_id="0badcafe"))
    world.boards.gather(1.0)
    assert "xp: over, kernel_failure" in world.news


def test_removed_board_is_neither_read_nor_expected_until_it_is_heard(world):
    world.feed("xp", boot(), snapshot(1))
    world.feed("yp", boot(), snapshot(1))
    world.boards.remove(Removal("xp", None))
    assert world.feed("xp", snapshot(2)) is None and not world.boards.hear_again("xp")  # it is still on its way
    batch = world.boards.take_batch()
    assert [removal.board for removal in batch.removals] == ["xp"] and "xp" not in batch.boards
    world.writing.add("xp")
    assert not world.boards.hear_again("xp")
    world.writing.clear()
    world.wait(10_000.0)
    assert world.feed("xp", snapshot(2)) is None and world.boards.is_removed("xp")
    assert world.boards.hear_again("xp") and not world.boards.hear_again("xp")
    assert not world.boards.is_removed("xp") and not world.boards.hear_again("yp")
    assert world.feed("xp", boot(), snapshot(3)) == "fed"


def test_removal_of_what_is_older_leaves_a_board_in_memory(world):
    world.feed("xp", boot(), snapshot(1))
    world.boards.remove(Removal("xp", START))
    assert not world.boards.is_removed("xp")
    world.boards.take_batch()
    assert world.feed("xp", snapshot(2)) == "fed"


def test_board_that_comes_back_is_not_taken_for_the_one_that_had_its_row(world):
    """SQLite gives the number of a removed boot to the next one."""
    world.feed("xp", boot(), snapshot(1))
    world.save()
    assert world.store.judged("xp", BOOT_ID) == 1
    with Store.open(world.store.path) as writer:
        care.remove(writer, "xp", None)
        writer.add_boot("yp", boot())
        writer.add_boot("xp", boot())
        writer.set_judged({"xp": (BOOT_ID, 7), "yp": (BOOT_ID, 3)})
    world.boards.removed()
    assert (world.store.judged("xp", BOOT_ID), world.store.judged("yp", BOOT_ID)) == (7, 3)
