"""Bytes of a terminal as keys, in any pieces."""

import pytest
from buddywatch.terminal.keyboard import Keyboard
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"jq?", ["j", "q", "?"]),
        (b"\r\n\x7f\x08", ["enter", "enter", "backspace", "backspace"]),
        (b"\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["up", "down", "page-up", "page-down", "home", "end"]),
        (b"\x1b[1;5C\x1b[200~", ["right"]),  # with a modifier, and the beginning of a paste, which is no key
        (b"\x1bj", ["escape", "j"]),
        (b"\x00\x07\xc3\xa4", []),
    ],
)
def test_keys(typed, keys):
    assert Keyboard().feed(typed) == keys


def test_escape_alone_is_known_when_nothing_follows():
    keyboard = Keyboard()
    assert keyboard.feed(b"\x1b") == [] and keyboard.is_waiting
    assert keyboard.pause() == ["escape"]
    assert not keyboard.is_waiting


def test_a_sequence_that_stops_in_the_middle_is_no_key():
    keyboard = Keyboard()
    assert keyboard.feed(b"\x1b[1;") == [] and keyboard.pause() == []
    assert keyboard.feed(b"j") == ["j"]


@given(st.lists(st.sampled_from([b"j", b"\x1b[A", b"\x1bOB", b"\x1b[5~", b"\r"]), max_size=8), st.data())
def test_pieces_make_no_difference(parts, data):
    whole, keyboard, found = b"".join(parts), Keyboard(), []
    at = 0
    while at < len(whole):
        end = data.draw(st.integers(at + 1, len(whole)))
        found += keyboard.feed(whole[at:end])
        at = end
    assert found == Keyboard().feed(whole) and len(found) == len(parts)


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_bytes_are_no_error_and_nothing_piles_up(pieces):
    keyboard = Keyboard()
    for piece in pieces:
        keyboard.feed(piece)
    keyboard.pause()
    assert not keyboard.is_waiting
