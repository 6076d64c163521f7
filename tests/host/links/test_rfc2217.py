"""RFC 2217's options and settings, in any chunking."""

from buddywatch.links.rfc2217 import COM_PORT, DO, DONT, IAC, SB, SE, WILL, WONT, ComPort
from hypothesis import given
from hypothesis import strategies as st


def baud_told(baud):
    return bytes((IAC, SB, COM_PORT, 101)) + baud.to_bytes(4, "big").replace(b"\xff", b"\xff\xff") + bytes((IAC, SE))


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(1, 40), st.sampled_from([9600, 115200, 255, 65535]))
def test_text_comes_out_whole_between_options(texts, chunk, baud):
    com, came = ComPort(), b""
    com.open(baud, True, True)
    stream = bytes((IAC, DO, COM_PORT)) + baud_told(baud)
    stream += bytes((IAC, WILL, 1)).join(text.replace(b"\xff", b"\xff\xff") for text in texts)
    for at in range(0, len(stream), chunk):
        came += com.feed(stream[at : at + chunk])
    assert came == b"".join(texts)
    assert com.baud == baud
    assert not com.is_refused
    assert bytes(com.replies) in (b"", bytes((IAC, DONT, 1)))  # once, however often it is offered


def test_what_was_offered_is_not_answered_again():
    com = ComPort()
    com.open(9600, True, True)
    assert com.feed(bytes((IAC, DO, 0, IAC, WILL, 0, IAC, WILL, 3, IAC, DO, COM_PORT))) == b""
    assert com.replies == b""


def test_a_refusal_is_seen():
    for verb in (DONT, WONT):
        com = ComPort()
        com.open(9600, True, True)
        com.feed(bytes((IAC, verb, COM_PORT)))
        assert com.is_refused


def test_settings_ask_for_the_lines_and_the_speed():
    said = ComPort().open(57600, False, True)
    for number, value in ((1, b"\0\0\xe1\0"), (2, b"\x08"), (3, b"\x01"), (4, b"\x01"), (5, b"\x09"), (5, b"\x0b")):
        assert bytes((IAC, SB, COM_PORT, number)) + value + bytes((IAC, SE)) in said
