"""Recorded streams: what agents sent."""

from dataclasses import replace

import pytest
from buddywatch.model.samples import ConsoleLine, Event, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.recorded.formats import format_of
from buddywatch.recorded.pieces import RecordedError, Unreadable
from hypothesis import given
from hypothesis import strategies as st
from modelboard import ModelBoard, facts
from recordings import ENDED, of_kind, source_of


def stream(polls=40, name="xp", boot="0000b001", seed=1):
    made, width = facts(name=name)
    board = ModelBoard(boot, made, width, 1 << 20, seed)
    lines = board.hello() + [line for _ in range(polls) for line in board.poll()]
    return [line.decode() for line in lines]


def read_text(lines, **changes):
    source = replace(source_of("\n".join(lines) + "\n"), **{"board": None, **changes})
    return list(format_of(source.head).read(source))


def test_stream_names_its_board_and_ends_when_it_was_written():
    items = read_text(stream())
    shots = of_kind([item for _, item in items], Snapshot)
    assert {name for name, _ in items} == {"xp"} and [shot.seq for shot in shots] == list(range(1, 41))
    assert shots[-1].time == pytest.approx(ENDED, abs=0.1) and shots[1].time - shots[0].time == pytest.approx(
        5, abs=0.1
    )


def test_two_boards_on_one_stream_are_told_apart_and_one_may_be_picked():
    both = [*stream(), *stream(name="roof", boot="0000b002", seed=2)]
    assert {name for name, _ in read_text(both)} == {"xp", "roof"}
    assert {name for name, _ in read_text(both, board="roof")} == {"roof"}
    with pytest.raises(RecordedError, match="it has xp, roof"):
        read_text(both, board="cellar")


def test_only_board_of_a_stream_may_be_renamed():
    assert {name for name, _ in read_text(stream(), board="cellar")} == {"cellar"}


def test_text_between_the_frames_is_kept_and_its_kernel_failures_are_events():
    lines = stream()
    lines[9:9] = ["# rm x", "Allocation of length 61440 from process 7 (rm) failed"]
    items = [item for _, item in read_text(["login: ", *lines])]
    assert [line.text for line in of_kind(items, ConsoleLine)] == ["login: ", lines[9], lines[10]]
    (event,) = of_kind(items, Event)
    assert (event.kind, event.seq) == ("alloc", None)


def test_damaged_frames_are_told_and_the_others_read():
    lines = stream()
    lines[10] = lines[10][:-1] + ("!" if lines[10][-1] != "!" else '"')
    items = [item for _, item in read_text(lines)]
    (damaged,) = of_kind(items, Unreadable)
    assert damaged.line in (11, 12) and 10 <= len(of_kind(items, Snapshot)) < 40  # a key frame later


def test_tracker_that_goes_on_skips_what_it_knows():
    lines = stream()
    tracker = BoardTracker()
    first = read_text(lines[:20], tracker_of=lambda name: tracker)
    again = read_text(lines, tracker_of=lambda name: tracker)
    known = {item.seq for item in of_kind([item for _, item in first], Snapshot)}
    new = {item.seq for item in of_kind([item for _, item in again], Snapshot)}
    assert known & new == set() and known | new == set(range(1, 41))


@given(st.integers(0, 41), st.text(alphabet=st.characters(exclude_characters="\n"), max_size=80))
def test_any_line_between_the_frames_costs_no_frame(at, text):
    lines = stream()
    lines[at:at] = [text]
    assert len(of_kind([item for _, item in read_text(lines)], Snapshot)) == 40
