"""The conversation with a shell, byte by byte: any chunking, wrapped echo, kernel messages in the middle."""

import pytest
from buddywatch.links.hush_shell import interview
from buddywatch.links.hush_shell.shell import COMMAND_MAX, Shell
from hypothesis import given
from hypothesis import strategies as st

FAILURE = "[   12.345678] nommu: Allocation of length 61440 from process 37 (rm) failed"
COMMAND = interview.rows_of("b", "buddyinfo")
ROW = "Node 0, zone      DMA     31     47     42"


def screen(typed: bytes, rows: list[str], end: int = 1, columns: int = 80) -> bytes:
    """What a terminal shows: a prompt, the echo as a line editor wraps it, the answers, a prompt."""
    command = typed.decode().rstrip("\n")
    echo = "".join(command[at : at + columns] + "\r\r\n" for at in range(0, len(command), columns)).removesuffix("\r\n")
    return "".join(
        [f"/ # {echo}\n", *[f"bw1:b:{row}|{row}.\r\n" for row in rows], f"bw1:e:{end}|{end}.\r\n/ # \x1b[6n"]
    ).encode()


def feed(shell: Shell, data: bytes, chunk: int = 10_000):
    answers, console = [], []
    for at in range(0, len(data), chunk):
        answer, lines = shell.feed(data[at : at + chunk])
        answers += [answer] if answer else []
        console += lines
    return answers, console


@given(st.integers(1, 60), st.integers(20, 200))
def test_an_answer_is_taken_in_any_chunking(chunk, columns):
    shell = Shell("bw1")
    answers, console = feed(shell, screen(shell.type(COMMAND), [ROW, ROW], columns=columns), chunk)
    assert [answer.texts("b") for answer in answers] == [[" ".join(ROW.split())] * 2]
    assert not answers[0].damaged
    assert console == []
    assert not shell.is_busy


@given(st.data())
def test_a_kernel_message_anywhere_is_kept_and_never_read_as_a_number(data):
    shell = Shell("bw1")
    whole = screen(shell.type(COMMAND), [ROW])
    at = data.draw(st.integers(0, len(whole)))
    answers, console = feed(shell, whole[:at] + FAILURE.encode() + b"\r\n" + whole[at:])
    # Its stamp may run into the sequence by which a line editor asks for the cursor, and lose its bracket.
    assert any(FAILURE[FAILURE.index("nommu") :] in line for line in [*console, shell._rest])
    for answer in answers:
        assert answer.damaged or answer.texts("b") in ([" ".join(ROW.split())], [])


@given(st.data())
def test_a_flipped_digit_is_seen(data):
    shell = Shell("bw1")
    whole = bytearray(screen(shell.type(COMMAND), [ROW]))
    first = whole.index(b"bw1:b:") + len(b"bw1:b:")
    places = [at for at in range(first, first + 2 * len(ROW)) if chr(whole[at]).isdigit()]
    at = data.draw(st.sampled_from(places))
    whole[at] = ord(data.draw(st.sampled_from([digit for digit in "0123456789" if ord(digit) != whole[at]])))
    (answer,), _ = feed(shell, bytes(whole))
    assert answer.damaged


def test_the_end_of_an_earlier_command_is_none_of_this():
    shell = Shell("bw1")
    shell.type(COMMAND)
    typed = shell.type(COMMAND)
    assert feed(shell, screen(typed, [ROW], end=1))[0] == []
    assert len(feed(shell, screen(typed, [ROW], end=2))[0]) == 1


def test_complaints_and_echo_are_no_console_text():
    shell = Shell("bw1")
    typed = shell.type(COMMAND)
    text = typed + b"\rhush: can't open '/proc/buddyinfo': No such file or directory\r\nhttpd: 3 clients\r\n"
    assert feed(shell, text)[1] == ["httpd: 3 clients"]
    assert "can't open" in shell.complaint


@pytest.mark.parametrize("tail", ["xport login: ", "\r\nPassword:"])
def test_a_login_prompt_is_the_end_of_a_shell(tail):
    shell = Shell("bw1")
    feed(shell, f"bye\r\n{tail}".encode())
    assert shell.is_logged_out


def test_every_command_is_short_enough_for_an_old_line_editor():
    facts = [interview.one_line_of(tag, path) for tag, path in interview._FACTS]
    asked = [*facts, interview._BLOCKS, interview._MEMORY, interview._MARKS, interview._CPU, interview._PAGES]
    assert (
        max(len(Shell("bw12ab").type(command)) for command in [*asked, interview._CHECK, interview._ACCOUNT])
        <= COMMAND_MAX
    )
