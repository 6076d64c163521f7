"""A boot that turns out to be another board's: all that was stored of it moves, and the rest stays as it is."""

import pytest
from boards import BOOT_ID, boot, kernel_event, snapshot
from buddywatch.model.batch import Batch, LinkChange, MovedBoot
from buddywatch.model.samples import ENDING, BootEnd, Gap
from buddywatch.store.store import Store

OTHER = "0000b00b"
MOVED = MovedBoot("xp", OTHER, "tcp://b:1", "xp-2")


@pytest.fixture
def store(tmp_path):
    """Two boots under one board, of which the later one is another board's."""
    with Store.open(tmp_path / "a.db") as store:
        batch = Batch()
        rows = batch.of("xp")
        rows.boots += [boot(), boot(OTHER, "agent-restart")]
        rows.snapshots += [snapshot(seq) for seq in (1, 2, 5)]
        rows.snapshots += [snapshot(seq, boot_id=OTHER) for seq in (1, 2)]
        rows.gaps.append(Gap(OTHER, 3, 3, "overwritten", 1.0))
        rows.judged = OTHER, 2
        batch.links += [LinkChange("xp", url, True, 1.0) for url in ("tcp://a:1", "tcp://b:1")]
        batch.links.append(LinkChange("xp-2", "tcp://b:1", True, 1.0))
        store.write(batch)
        store.add_event("xp", kernel_event(4, 1000, boot_id=OTHER))
        yield store


def move(store, moved=MOVED):
    batch = Batch()
    batch.moves.append(moved)
    store.write(batch)


def test_what_was_stored_of_the_boot_is_the_other_boards(store):
    move(store)
    assert (store.latest_boot("xp").boot_id, store.latest_boot("xp-2").boot_id) == (BOOT_ID, OTHER)
    assert [shot.seq for shot in store.recent("xp", 9)] == [1, 2, 5]
    assert [shot.seq for shot in store.recent("xp-2", 9)] == [1, 2]
    assert (store.has_boot("xp", OTHER), store.has_boot("xp-2", OTHER)) == (False, True)
    assert store.resume("xp-2").stored == ((1, 2), (4, 4))
    assert store.resume("xp-2").lost == ((3, 3),)
    assert store.latest_boot("xp-2").cause == "first"
    assert (store.losses("xp").frames, store.losses("xp-2").frames) == (0, 1)
    assert [link.url for link in store.links("xp")] == ["tcp://a:1"]
    assert [link.url for link in store.links("xp-2")] == ["tcp://b:1"]


def test_the_board_that_is_left_is_judged_from_its_own_newest_frame_on(store):
    store.set_passed("xp", OTHER, 2)
    move(store)
    assert store.rules_history("xp-2").judged == {OTHER: 0}
    history = store.rules_history("xp")
    assert [(one.boot_id, pieces) for one, pieces in history.boots] == [(BOOT_ID, ())]
    assert (history.judged, history.kernel_events) == ({BOOT_ID: 5}, ())
    assert [one.boot_id for one, _ in store.rules_history("xp-2").boots] == [OTHER]
    assert [event.seq for event in store.rules_history("xp-2").kernel_events] == [4]


@pytest.mark.parametrize("moved", [MovedBoot("xp", "none", "", "xp-2"), MovedBoot("none", OTHER, "", "xp-2")], ids=str)
def test_a_boot_that_is_not_there_moves_nothing(store, moved):
    move(store, moved)
    assert store.latest_boot("xp").boot_id == OTHER
    assert store.latest_boot("xp-2") is None


def test_what_comes_of_the_boot_under_its_old_board_is_not_the_other_boards(store):
    """The store remembers the rows of boots that it wrote to; a boot that moved is no longer where it was."""
    move(store)
    with pytest.raises(ValueError, match=f"boot {OTHER} of board xp is not in the store"):
        store.add_snapshot("xp", snapshot(3, boot_id=OTHER))
    assert store.add_boot("xp", boot(OTHER))
    store.add_snapshot("xp", snapshot(3, boot_id=OTHER))
    assert [shot.seq for shot in store.recent("xp-2", 9)] == [1, 2]


def test_no_boot_ends_because_of_another_boards(store):
    store.set_end("xp", BootEnd(BOOT_ID, ENDING, 5, OTHER, 1.0))
    store.set_end("xp", BootEnd(OTHER, ENDING, 2, BOOT_ID, 1.0))
    store.add_boot("xp-9", boot())
    store.set_end("xp-9", BootEnd(BOOT_ID, ENDING, 5, OTHER, 1.0))
    move(store)
    assert store.boards_ending() == {"xp-9"}


def test_moving_twice_is_moving_once(store):
    move(store)
    move(store)
    assert store.latest_boot("xp-2").boot_id == OTHER
    move(store, MovedBoot("xp", BOOT_ID, "", "xp-3"))
    assert store.latest_boot("xp") is None
    assert store.rules_history("xp").boots == ()
