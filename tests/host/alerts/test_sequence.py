"""Samples are judged in the order in which the board made them; a hole is waited for as long as it is being filled."""

from boards import BOOT_ID, boot, snapshot
from buddywatch.alerts.sequence import Sequence
from buddywatch.model.samples import Piece
from hypothesis import given
from hypothesis import strategies as st

PATIENCE_S = 60.0


def begun(*boots):
    sequence = Sequence()
    for one in boots or (boot(),):
        sequence.begin(one)
    return sequence


def add(sequence, *numbers, at_s=0.0, boot_id=BOOT_ID):
    for number in numbers:
        sequence.add(boot_id, Piece(number, number, snapshot(number, boot_id=boot_id)), at_s)


def judged(sequence, at_s=0.0):
    return [(boot_id, shot.seq) for boot_id, shot in sequence.ready(at_s, PATIENCE_S)]


@given(st.permutations(range(1, 12)))
def test_any_order_of_arrival_is_judged_in_the_boards_order(numbers):
    sequence, seen = begun(), []
    for number in numbers:
        add(sequence, number)
        seen += judged(sequence)
    assert seen == [(BOOT_ID, number) for number in range(1, 12)]
    assert sequence.blocked_since_s is None
    assert sequence.position == (BOOT_ID, 11)


def test_hole_is_waited_for_from_when_it_was_seen():
    sequence = begun()
    add(sequence, 1, 5)
    assert judged(sequence, 10.0) == [(BOOT_ID, 1)]
    assert sequence.blocked_since_s == 10.0
    assert judged(sequence, 69.9) == []
    assert judged(sequence, 70.0) == [(BOOT_ID, 5)]


def test_patience_starts_anew_whenever_a_part_of_the_hole_comes():
    """A backfill that takes longer than the patience is judged all the same, as long as it goes on."""
    sequence = begun()
    add(sequence, 1, 200)
    seen = judged(sequence, 0.0)
    for number in range(2, 200):
        add(sequence, number, at_s=number * 40.0)
        seen += judged(sequence, number * 40.0)
    assert [number for _, number in seen] == list(range(1, 201))


def test_what_is_filled_from_its_end_is_progress_too():
    sequence = begun()
    add(sequence, 1, 9)
    assert judged(sequence, 0.0) == [(BOOT_ID, 1)]
    add(sequence, 8, at_s=50.0)
    assert judged(sequence, 50.0) == []
    assert judged(sequence, 100.0) == []
    assert judged(sequence, 110.0) == [(BOOT_ID, 8), (BOOT_ID, 9)]


def test_more_behind_the_hole_is_no_progress():
    sequence = begun()
    add(sequence, 1, 5)
    judged(sequence, 0.0)
    add(sequence, 6, 7, at_s=59.0)
    assert judged(sequence, 60.0) == [(BOOT_ID, 5), (BOOT_ID, 6), (BOOT_ID, 7)]


def test_what_comes_behind_the_judged_position_is_passed_over():
    sequence = begun()
    add(sequence, 5)
    judged(sequence, 0.0)
    judged(sequence, PATIENCE_S)
    add(sequence, 2, 3)
    assert judged(sequence, PATIENCE_S) == []
    assert sequence.position == (BOOT_ID, 5)


def test_boot_that_is_over_waits_for_no_hole():
    sequence = begun(boot(), boot("0000b002", "reboot"))
    add(sequence, 1, 4)
    add(sequence, 1, boot_id="0000b002")
    assert judged(sequence) == [(BOOT_ID, 1), (BOOT_ID, 4), ("0000b002", 1)]
    add(sequence, 2)
    assert judged(sequence) == []


def test_known_boots_do_not_begin_again():
    sequence = Sequence()
    sequence.know(["0000b000"])
    assert not sequence.begin(boot("0000b000"))
    assert sequence.begin(boot())
    assert not sequence.begin(boot())
    assert sequence.position == (BOOT_ID, 0)


def test_a_boot_that_goes_on_after_another_is_judged_again():
    """Its frames are the present: whatever made the other one look like its successor."""
    sequence = begun(boot(), boot("b"))
    add(sequence, 1)
    add(sequence, 1, boot_id="b")
    assert judged(sequence) == [(BOOT_ID, 1), ("b", 1)]
    sequence.go_on("unknown")
    sequence.go_on("b")
    add(sequence, 2)
    assert judged(sequence) == []
    sequence.go_on(BOOT_ID)
    assert (judged(sequence), sequence.position) == ([], None)
    add(sequence, 3, 4, 6)
    add(sequence, 2, boot_id="b")
    assert judged(sequence) == [(BOOT_ID, 3), (BOOT_ID, 4)]
    assert sequence.position == (BOOT_ID, 4)
    sequence.go_on("b")
    add(sequence, 3, boot_id="b")
    assert judged(sequence) == [(BOOT_ID, 6), ("b", 3)]


def test_a_boot_that_goes_on_while_it_waits_keeps_what_waits():
    sequence = begun(boot(), boot("b"))
    sequence.go_on(BOOT_ID)
    add(sequence, 1, 3)
    add(sequence, 1, 3, boot_id="b")
    assert judged(sequence) == [("b", 1), ("b", 3), (BOOT_ID, 1)]


def test_snapshot_of_another_boot_is_never_the_next_one():
    sequence = begun()
    assert sequence.passes(snapshot(1)) and not sequence.passes(snapshot(2, boot_id="0000b0ff"))
    assert sequence.position == (BOOT_ID, 1)
    assert sequence.passes(snapshot(2))


def test_nothing_waits_before_the_first_boot():
    sequence = Sequence()
    assert judged(sequence) == []
    assert sequence.blocked_since_s is None and sequence.position is None


def test_of_two_pieces_that_end_with_the_same_frame_the_first_is_judged_first():
    """As after a frame that two links brought, of which one was stored with others."""
    sequence = begun()
    for first, number in ((2, 2), (1, 2), (3, 2)):
        sequence.add(BOOT_ID, Piece(first, 2, snapshot(number)), 0.0)
    add(sequence, 1)
    assert [seq for _, seq in judged(sequence, PATIENCE_S)] == [1, 2, 2, 2]
