"""Frames that arrive together give what they give one by one, whatever was lost, doubled or reordered on the way."""

from buddywatch.model.samples import Event, Gap, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import Frame, Hello, together
from buddywatch.protocol.line_stream import Text
from hypothesis import given
from hypothesis import strategies as st
from trackertools import EPOCH, board, held, hello

POLLS = 70  # more than two groups


def outcome(values):
    """Snapshots and events as they are, and the numbers of lost frames."""
    told = [value for value in values if isinstance(value, Snapshot | Event)]
    gaps = [value for value in values if isinstance(value, Gap)]
    lost = sorted((number, gap.reason) for gap in gaps for number in range(gap.first, gap.last + 1))
    return told, lost


@given(st.lists(st.integers(0, POLLS - 1), max_size=2 * POLLS), st.integers(0, POLLS), st.data())
def test_frames_together_and_one_by_one(noise, lost_from, data):
    made = board(polls=POLLS, ring_bytes=1 << 20)
    frames = held(made)
    in_order = [frame for number, frame in enumerate(frames) if number != lost_from]
    arriving = in_order + [frames[number] for number in noise if number < len(frames)]
    one_by_one, at_once = BoardTracker(), BoardTracker()
    singly = [value for item in hello(made) for value in one_by_one.take(item, EPOCH)]
    singly += [value for frame in arriving for value in one_by_one.take(frame, EPOCH)]
    joined = [value for item in hello(made) for value in at_once.take(item, EPOCH)]
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        joined += at_once.take_together(arriving[:size], EPOCH)
        arriving = arriving[size:]
    assert outcome(singly) == outcome(joined)
    assert one_by_one.next_request(1000) == at_once.next_request(1000)
    assert one_by_one.wants_hello == at_once.wants_hello


def test_only_frames_of_one_boot_that_follow_each_other_stay_together():
    a = [Frame("0000000a", number, b"d", b"") for number in (1, 2, 3)]
    b = [Frame("0000000b", number, b"d", b"") for number in (1, 2)]
    said, hello_of_b = Text("login:"), Hello("0000000b", {})
    runs = list(together([a[0], a[1], said, a[2], *b, hello_of_b, said, said]))
    assert runs == [[a[0], a[1]], [said], [a[2]], b, [hello_of_b], [said], [said]]
    assert list(together([])) == []
