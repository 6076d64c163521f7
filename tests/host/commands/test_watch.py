"""`buddywatch watch`, and `collect` on a terminal: processes on real pseudo-terminals, typed at and killed."""

import codecs
import fcntl
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

import pytest
from buddywatch.store.store import Store
from livefleet import FAILING, LEVEL, tell
from runner import ENV
from terminal import Terminal
from waiting import wait_for

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'


class Shown:
    """A command on a terminal of its own, whose screen is known at any time."""

    def __init__(self, buddywatch, *arguments, columns=80, rows=24, **env):
        self.terminal = Terminal(columns, rows)
        self.output, self.rest = b"", ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.awaited = "\x1b[?1049h"  # before it the shell's screen is there
        self.modes = termios.tcgetattr(slave)
        argv = [sys.executable, "-m", "buddywatch", "--db", str(buddywatch.db), "--config", str(buddywatch.config)]
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *argv, *arguments], stdin=slave, stdout=slave, stderr=slave,
            env={**ENV, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHON_COLORS": "0", **env},
        )  # fmt: skip
        self.slave = slave

    def resize(self, columns, rows):
        """What comes is shown again from where everything is drawn anew."""
        self.terminal = Terminal(columns, rows, self.terminal.on_alternate, self.terminal.cursor_visible)
        self.terminal.wheel = not self.terminal.cursor_visible
        self.awaited = "\x1b[2J"
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        if not select.select([self.master], [], [], 0.1)[0]:
            return
        data = os.read(self.master, 65536)
        self.output += data
        text = self.rest + self.decoder.decode(data)
        if self.awaited:
            at = text.find(self.awaited)
            if at < 0:
                self.rest = text[-len(self.awaited) :]
                return
            text, self.awaited = text[at:], ""
        whole = re.match(r"(?s)(.*?)(\x1b(?:\[[?0-9;]*)?)?\Z", text)
        text, self.rest = whole[1], whole[2] or ""
        end = text.find("\x1b[?1049l")
        if end >= 0:  # what comes then is for the shell
            text = text[: end + 8]
            self.awaited = "\x1b[?1049h"
        try:
            self.terminal.feed(text)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.output[-1500:]!r}") from None

    def until(self, wanted):
        wait_for(lambda: wanted in self.text, lambda: f"{wanted!r} in:\n{self.text}\n{self.output[-500:]!r}", self.read)

    @property
    def text(self):
        return "\n".join(self.terminal.lines())

    def type(self, keys):
        os.write(self.master, keys)

    def ended(self):
        """The exit code, after the terminal was given back."""
        wait_for(lambda: self.process.poll() is not None, "the end", self.read)
        while select.select([self.master], [], [], 0.2)[0]:
            self.read()
        assert not self.terminal.on_alternate and self.terminal.cursor_visible and not self.terminal.wheel
        assert termios.tcgetattr(self.slave) == self.modes
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def fleet(buddywatch):
    """A database with a board that fails and one that is well."""
    buddywatch.config.write_text(CONFIG)
    with Store.open(buddywatch.db) as store, store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("bad", FAILING)]):
            tell(store, name, kind, time.time(), number=number)
    return buddywatch


@pytest.fixture
def show(fleet):
    shown = []

    def start(*arguments, **options):
        shown.append(Shown(fleet, *arguments, **options))
        return shown[-1]

    yield start
    for one in shown:
        one.close()


def test_a_person_walks_through_the_pages_and_leaves(show, fleet):
    one = show("watch")
    one.until("2 boards: 1 FAIL")
    assert one.text.index("bad ") < one.text.index("calm ")
    one.type(b"\r")
    one.until("free blocks by size")
    one.type(b"e")
    one.until("bad: explain")
    one.until("Would fail: httpd")
    one.type(b"\x1b")
    one.until("free blocks by size")
    one.type(b"a")
    one.until("critical, refused, open")
    one.type(b"q")
    one.until("free blocks by size")
    one.type(b"m2")
    one.until("bad: all alerts are muted for 2 h")
    with Store.open_readonly(fleet.db) as store:
        assert [(one.board, one.rule) for one in store.silences(time.time())] == [("bad", None)]
    one.type(b"xy")
    one.until("bad: no reminders of")
    one.type(b"q")
    one.until("2 boards")
    one.type(b"q")
    assert one.ended() == 0


@pytest.mark.parametrize(
    ("size", "env"),
    [
        pytest.param((80, 24), {}, id="80x24"),
        pytest.param((200, 60), {"TERM": "xterm"}, id="200x60-16-colours"),
        pytest.param((120, 40), {"NO_COLOR": "1"}, id="no-colour"),
        pytest.param((80, 24), {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="ascii"),
        pytest.param((80, 24), {"LANG": "C", "LC_ALL": "", "LC_CTYPE": "", "PYTHONUTF8": ""}, id="c-locale"),
    ],
)
def test_sizes_colours_and_encodings(show, size, env):
    one = show("watch", "bad", columns=size[0], rows=size[1], **env)
    one.until("free blocks by size")
    colours = {style for style in one.terminal.styles if style not in ("0", "")}
    assert bool(colours) is ("NO_COLOR" not in env)
    assert any(style.startswith("38;5") for style in colours) is ("TERM" not in env and "NO_COLOR" not in env)
    assert one.text.isascii() is (env.get("LANG") == "C")
    one.resize(100, 30)
    one.until("free blocks by size")
    assert len(one.terminal.lines()) == 30
    one.type(b"qq")
    assert one.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_the_terminal_clean(show, number):
    one = show("watch")
    one.until("2 boards")
    one.process.send_signal(number)
    assert one.ended() == 0


def test_ctrl_c_ends_it(show):
    one = show("watch")
    one.until("2 boards")
    one.type(b"\x03")
    assert one.ended() == 130


def test_a_dumb_terminal_and_a_pipe_are_refused(show, fleet):
    one = show("watch", TERM="dumb")
    assert one.ended() == 2
    assert b"watch needs a terminal that moves its cursor" in one.output
    assert fleet("watch").code == 2
    assert fleet("watch", "--for", "never").code == 2
    one = show("watch", "nobody")
    assert one.ended() == 2 and b"no board 'nobody'" in one.output


def test_a_collector_shows_itself_and_q_ends_it(show):
    one = show("collect", "tcp://127.0.0.1:9")
    one.until("no board heard")
    one.until("2 boards")
    assert "NO COLLECTOR" not in one.text
    one.type(b"q")
    one.until("q once more ends the collector")
    one.type(b"q")
    assert one.ended() == 4
    assert b"127.0.0.1:9: connection refused" in one.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 4), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_collector_that_ends_gives_the_terminal_back(show, number, code):
    one = show("collect", "tcp://127.0.0.1:9")
    one.until("2 boards")
    one.process.send_signal(number)
    wait_for(lambda: not one.terminal.on_alternate, "the end of the view", one.read)
    assert one.ended() == code


def test_a_view_that_dies_does_not_end_the_collector(show):
    one = show("collect", "tcp://127.0.0.1:9", "--for", "60")
    one.until("2 boards")
    os.kill(child_of(one), signal.SIGKILL)
    wait_for(lambda: b"the live view has ended" in one.output, lambda: repr(one.output[-300:]), one.read)
    assert not one.terminal.on_alternate and one.terminal.cursor_visible
    assert termios.tcgetattr(one.slave) == one.modes
    one.process.send_signal(signal.SIGTERM)
    wait_for(lambda: one.process.poll() is not None, "the end", one.read)


def child_of(shown):
    """The process that it has started: setsid runs a command in its own place."""
    pid = shown.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[0])
