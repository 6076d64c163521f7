"""A board without entropy may give one id to two boots: the host tells them apart by uptime and frame numbers."""

import pytest
from buddywatch.model.samples import CLOSED, REBOOT, Boot, BootEnd, Snapshot
from buddywatch.protocol.board_tracker import KNOWN_IN_A_ROW_MAX, BoardTracker, Request
from buddywatch.protocol.line_stream import LinkSession
from trackertools import EPOCH, board, gaps, hello, items, met
from trackerworld import Rows


def feed(tracker, what, now=EPOCH, opened=-100.0):
    """opened: when the link was, before now."""
    return [value for item in what for value in tracker.take(item, now, True, now + opened)]


def lines(made):
    return [*made.hello(), *(line for _, line in made.ring)]


def hear(session, what):
    return [item for line in what for item in session.feed(line + b"\n")]


@pytest.mark.parametrize(
    ("up_cs", "cause"), [(2000, "reboot"), (100_000 + 30_000, "agent-restart")], ids=["reboot", "agent"]
)
def test_a_boot_with_the_id_of_the_one_before_is_another_boot(up_cs, cause):
    before, after = board(polls=9, kboot="-"), board(polls=3, kboot="-", seed=2)
    after.vector[0] += 2000 - 100_000
    session, rows, tracker = LinkSession(), Rows(), BoardTracker()
    for now, made in ((EPOCH, before), (EPOCH + 300, after)):
        for value in feed(tracker, hear(session, lines(made)), now):
            rows.add(value)
    assert [(one.boot_id, one.cause) for one in rows.boots.values()] == [
        ("0000000a", "first"),
        ("0000000a+2", "reboot"),
    ]
    assert [shot.boot_id for shot in rows.snapshots] == ["0000000a"] * 9 + ["0000000a+2"] * 3
    assert tracker.boot.boot_id == "0000000a+2"


def test_the_board_is_asked_by_the_id_that_it_knows():
    before, after = board(polls=9), board(polls=3, seed=2)
    after.vector[0] -= 90_000
    tracker, _ = met(before)
    values = feed(tracker, hello(after), EPOCH + 300)
    assert gaps(values) == [(1, 9, REBOOT)]
    assert [value.state for value in values if isinstance(value, BootEnd)] == [CLOSED]
    assert tracker.close("0000000a", EPOCH + 300) == []
    assert isinstance(values[-1], Boot)
    request = tracker.next_request(32)
    assert request == Request("0000000a", 1, 3)
    assert tracker.missing_of(request) == 3
    assert tracker.facts["next"] == "4"
    values = feed(tracker, items([line for _, line in after.ring]), EPOCH + 300)
    assert [value.seq for value in values if isinstance(value, Snapshot)] == [1, 2, 3]


def test_each_further_boot_gets_a_number_of_its_own_and_a_restart_goes_on_with_it():
    tracker, rows = BoardTracker(), Rows()
    for number, polls in enumerate((9, 6, 3)):
        made = board(polls=polls, seed=number)
        made.vector[0] -= 90_000
        for value in feed(tracker, [*hello(made), *items([line for _, line in made.ring])], EPOCH + number * 900):
            rows.add(value)
    assert list(rows.boots) == ["0000000a", "0000000a+2", "0000000a+3"]
    again = BoardTracker.resume(rows.resume())
    made.poll()
    assert feed(again, hello(made), EPOCH + 1805) == []
    assert again.next_request(9) == Request("0000000a", 4, 1)


@pytest.mark.parametrize("late_s", [0, 30, 3000])
def test_an_old_hello_over_a_link_that_lags_is_of_the_same_boot(late_s):
    made = board(polls=3)
    old = hello(made)
    tracker, _ = met(made)
    for _ in range(3):
        made.poll()
    feed(tracker, [*hello(made), *items([line for _, line in made.ring])], EPOCH + 15)
    assert feed(tracker, old, EPOCH + 15 + late_s, -100.0 - late_s) == []
    assert tracker.boot.boot_id == made.boot


def test_a_boot_that_has_made_more_frames_goes_on_whatever_its_uptime_says():
    made = board(polls=3)
    tracker, _ = met(made)
    feed(tracker, items([line for _, line in made.ring]))
    made.poll()
    assert feed(tracker, hello(made), EPOCH + 90_000) == []
    assert tracker.boot.boot_id == made.boot


def test_frames_that_bring_nothing_make_it_ask_who_is_there():
    """A later boot with the same id counts from 1 again; so does a link that lags far behind."""
    made = board(polls=KNOWN_IN_A_ROW_MAX + 8)
    tracker, _ = met(made)
    frames = items([line for _, line in made.ring])
    feed(tracker, frames)
    feed(tracker, frames[: KNOWN_IN_A_ROW_MAX - 1])
    assert not tracker.wants_hello
    made.poll()
    feed(tracker, items([made.ring[-1][1]], made.following - 1))
    feed(tracker, frames[: KNOWN_IN_A_ROW_MAX - 1])
    assert not tracker.wants_hello
    feed(tracker, frames[:1])
    assert tracker.wants_hello
    feed(tracker, hello(made))
    feed(tracker, frames[: KNOWN_IN_A_ROW_MAX - 1])
    assert not tracker.wants_hello
