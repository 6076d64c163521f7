"""The screen on real pseudo-terminals: what arrives at the other side, and that the terminal is given back."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from buddywatch.terminal.screen import Screen, style_of, usable
from terminal import Terminal
from waiting import DEADLINE_S

TOP = Path(__file__).resolve().parents[3]


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.fixture
def tty():
    """(master fd, text stream on the slave side): 40 x 6 characters."""
    master, slave = pty.openpty()
    set_size(master, 40, 6)
    with open(slave, "w", encoding="utf-8") as stream:
        yield master, stream
    os.close(master)


def received(master, until=b""):
    """All that has come out of the terminal; with until: all up to where that has come."""
    data, deadline = b"", time.monotonic() + DEADLINE_S
    while select.select([master], [], [], DEADLINE_S if until not in data else 0)[0]:
        try:
            data += os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
        assert time.monotonic() < deadline, data
    assert until in data
    return data


def test_drawing_shows_the_lines_and_leaving_gives_the_terminal_back(tty):
    master, stream = tty
    terminal, modes = Terminal(40, 6), termios.tcgetattr(stream)
    with Screen(stream) as screen:
        assert screen.size() == (40, 6)
        assert screen.draw(["one", "zwei ●"])
        assert not termios.tcgetattr(stream)[3] & termios.ECHO
        terminal.feed(received(master).decode())
        assert terminal.on_alternate and not terminal.cursor_visible
        assert terminal.lines() == ["one", "zwei ●", "", "", "", ""]
    terminal.feed(received(master).decode())
    assert not terminal.on_alternate and terminal.cursor_visible
    assert termios.tcgetattr(stream) == modes


def test_drawing_again_sends_changed_lines_only(tty):
    master, stream = tty
    terminal = Terminal(40, 6)
    with Screen(stream) as screen:
        screen.draw(["same", "old", "a long line", "gone", "gone too"])
        terminal.feed(received(master).decode())
        screen.draw(["same", "new", "short"])
        second = received(master).decode()
        terminal.feed(second)
        assert terminal.lines() == ["same", "new", "short", "", "", ""]
        assert "same" not in second
        screen.draw(["same", "new", "short"])
        assert not select.select([master], [], [], 0)[0]


def test_line_as_wide_as_the_terminal_keeps_its_last_character(tty):
    master, stream = tty
    with Screen(stream) as screen:
        screen.draw(["x" * 40] * 6)
    # Some terminals erase the last column when a line is cleared after its last character was written.
    assert re.search(rb"x\x1b\[K", received(master)) is None


def test_new_size_is_noticed_and_everything_is_drawn_anew(tty):
    master, stream = tty
    with Screen(stream) as screen:
        screen.draw(["one", "two"])
        received(master)
        set_size(master, 20, 3)
        os.kill(os.getpid(), signal.SIGWINCH)
        assert screen.resized
        assert screen.size() == (20, 3)
        screen.draw(["one", "two", "three", "too many"])
        assert not screen.resized
        terminal = Terminal(20, 3)
        terminal.feed(received(master).decode())
        assert terminal.lines() == ["one", "two", "three"]


def test_size_that_the_terminal_does_not_know_is_80_by_24(tty):
    master, stream = tty
    set_size(master, 0, 0)
    with Screen(stream) as screen:
        assert screen.size() == (80, 24)


def test_stopped_terminal_does_not_hold_up_the_drawing(tty):
    master, stream = tty
    terminal = Terminal(40, 6)
    with Screen(stream) as screen:
        screen.draw(["before"])
        terminal.feed(received(master).decode())
        termios.tcflow(stream, termios.TCOOFF)  # as Ctrl-S does
        assert not screen.draw(["while stopped"])
        assert not screen.draw(["while stopped, later"])
        termios.tcflow(stream, termios.TCOON)
        assert screen.draw(["after"])
        terminal.feed(received(master).decode())
        assert terminal.lines()[0] == "after"


def test_terminal_that_is_stopped_for_good_can_be_left(tty):
    _, stream = tty
    with Screen(stream) as screen:
        termios.tcflow(stream, termios.TCOOFF)
        screen.draw(["unseen"])
    termios.tcflow(stream, termios.TCOON)


def test_terminal_that_hung_up_is_no_error():
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream, Screen(stream) as screen:
        os.close(master)
        screen.draw(["nobody looks"])
        screen.draw(["still nobody"])


def test_signal_handlers_are_put_back(tty):
    _, stream = tty
    numbers = (signal.SIGWINCH, signal.SIGTSTP)
    before = [signal.getsignal(number) for number in numbers]
    with Screen(stream):
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_flags_of_the_shell_behind_are_not_touched(tty):
    _, stream = tty
    with Screen(stream):
        assert os.get_blocking(stream.fileno())


# --- as a process of its own, in the foreground of its terminal ---

PROGRAM = """
import sys, time
from buddywatch.terminal.screen import Screen
with Screen() as screen:
    count = 0
    while True:
        screen.draw([f"drawing {count}", *sys.argv[1:]])
        count += 1
        if "fail" in sys.argv:
            raise RuntimeError("the reason")
        time.sleep(0.01)
"""


@pytest.fixture
def start():
    """A function that runs PROGRAM on a terminal of its own and gives the master's descriptor.

    With a shell in between: the kernel stops no process that nobody could let go on (orphaned group, setpgid(2)).
    """
    children = []

    def run(*arguments):
        pid, master = pty.fork()
        if pid == 0:
            os.environ["PYTHONPATH"] = f"{TOP / 'host'}:{TOP / 'agent'}"
            os.environ["PYTHON_COLORS"] = "0"  # tracebacks have colours from Python 3.13 on
            script = '"$@"; echo "and on"; fg'
            os.execv("/bin/sh", ["sh", "-mc", script, "sh", sys.executable, "-c", PROGRAM, *arguments])
        children.append((pid, master))
        return master

    yield run
    for pid, master in children:
        os.close(master)
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def is_restored(output, master):
    return output.count(b"\x1b[?1049h") == output.count(b"\x1b[?1049l") and termios.tcgetattr(master)[3] & termios.ECHO


def test_ctrl_c_gives_the_terminal_back(start):
    master = start()
    output = received(master, b"drawing")
    os.write(master, b"\x03")
    output += received(master, b"KeyboardInterrupt")
    assert is_restored(output, master)
    assert output.rindex(b"\x1b[?1049l") < output.index(b"Traceback")


def test_error_gives_the_terminal_back_and_stays_readable(start):
    master = start("fail")
    output = received(master, b"RuntimeError: the reason")
    assert is_restored(output, master)
    assert output.rindex(b"\x1b[?1049l") < output.index(b"Traceback")


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(start):
    master = start()
    output = received(master, b"drawing")
    os.write(master, b"\x1a")
    output += received(master, b"and on")
    first, again = output.split(b"and on")
    assert first.count(b"\x1b[?1049l") == 1
    again += received(master, b"drawing")
    assert b"\x1b[?1049h" in again
    os.write(master, b"\x03")
    assert is_restored(first + again + received(master, b"KeyboardInterrupt"), master)


# --- when to use it, and how to draw ---


@pytest.mark.parametrize(
    ("term", "expected"), [("xterm-256color", True), ("nonsense", True), ("dumb", False), ("", False), (None, False)]
)
def test_usable_asks_for_a_terminal_that_moves_its_cursor(tty, term, expected):
    assert usable(tty[1], {} if term is None else {"TERM": term}) is expected


def test_usable_says_no_to_what_is_no_terminal():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, text=True) as cat:
        assert cat.stdin is not None and not usable(cat.stdin, {"TERM": "xterm"})


@pytest.mark.parametrize(
    ("env", "colour"),
    [
        pytest.param({"TERM": "xterm"}, True, id="xterm"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param({"TERM": "xterm", "NO_COLOR": ""}, True, id="NO_COLOR-empty"),
        pytest.param({"TERM": "vt100"}, False, id="vt100"),
    ],
)
def test_style_has_colour_where_it_is_wanted(env, colour):
    assert style_of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), env).colour is colour


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", True), ("UTF8", True), ("ascii", False), ("latin1", False)]
)
def test_style_has_unicode_where_the_encoding_can(encoding, expected):
    assert style_of(io.TextIOWrapper(io.BytesIO(), encoding=encoding), {}).unicode is expected
