"""A console that agent, shell and kernel share: frames for the collector, the shell for a person, on a real tty."""

import os
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import rig
from buddywatch.collect import control_socket
from daemons import Daemon
from system_parts import Collector, Result, buddywatch
from waiting import wait_for

READS_A_POLL = 6  # about: buddyinfo, zoneinfo, meminfo, stat, ...
FAILED = "nommu: Allocation of length 61440 from process 37 (rm) failed"
# A terminal as a boot script finds it. The shell is its session's leader, as after `getty`.
SHELL = """
import fcntl, os, sys, termios
tty = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
for descriptor in (0, 1, 2):
    os.dup2(tty, descriptor)
os.execve("/bin/sh", ["sh", "-i"], {"PS1": "board# ", "PATH": os.environ["PATH"], "TERM": "dumb"})
"""


def cooked() -> list:
    """The modes of a new terminal: echo, line editing, NL to CR NL."""
    master, slave = os.openpty()
    try:
        return termios.tcgetattr(slave)
    finally:
        os.close(master)
        os.close(slave)


class Console:
    """The board's console with a shell on it, and the line from there to the collector."""

    def __init__(self, folder: Path, command, proc: Path, stack: ExitStack) -> None:
        self.line = stack.enter_context(closing(rig.SerialLine()))
        self.line.start()
        self.tty = os.open(self.line.board_path, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, self.tty)
        termios.tcsetattr(self.tty, termios.TCSANOW, cooked())
        shell = subprocess.Popen([sys.executable, "-c", SHELL, self.line.board_path], start_new_session=True)
        stack.callback(lambda: (shell.kill(), shell.wait()))
        self.modes = self._settled_modes()
        self.db, self.config = folder / "x.db", folder / "config.toml"
        self.config.touch()
        url = f"serial://{self.line.host_path}?shared=true"
        self.collector = stack.enter_context(closing(Collector(self.db, self.config, [url])))
        self.collector.wait_until_it_says(f"{url}: open")  # nobody can ask for a hello later
        options = ("--console", self.line.board_path, "--name", "roof", "--interval", "0.2")
        self.agent = stack.enter_context(Daemon(command, *options, proc=proc))
        wait_for(lambda: control_socket.control_path(self.db).exists(), "the collector's door")
        wait_for(self.frames, "frames")

    def _settled_modes(self) -> list:
        """The modes that the shell has set."""
        wait_for(lambda: termios.tcgetattr(self.tty)[3] & termios.ECHO, "a terminal with an echo")
        return termios.tcgetattr(self.tty)

    def cli(self, *arguments: str, **options) -> Result:
        return buddywatch(self.db, self.config, *arguments, **options)

    def frames(self) -> int:
        rows = self.cli("history", "--json", "roof")
        return len(rows.json["rows"]) if rows.code == 0 else 0

    def gaps(self) -> list:
        return self.cli("history", "--json", "roof").json["gaps"]

    def type(self, text: str) -> list[str]:
        """What a person sees who types this to the shell."""
        done = self.cli("console", "--shell", "roof", input=text)
        assert (done.code, done.err) == (0, "")
        return done.lines


@pytest.fixture
def console(tmp_path: Path, agent_command, proc_dir: Path) -> Iterator[Console]:
    with ExitStack() as stack:
        yield Console(tmp_path, agent_command, proc_dir, stack)


def test_person_uses_the_shell_while_frames_flow(console: Console) -> None:
    before = console.frames()
    for number in range(5):
        seen = console.type(f"echo answer-$(({number} + 6 * 7))\n")
        assert f"answer-{number + 42}" in seen
        assert not [line for line in seen if line.startswith("~")], "frames do not clutter it"
    wait_for(lambda: console.frames() > before + 5, "more frames")
    assert [gap for gap in console.gaps() if gap["reason"] != "before-contact"] == []


def test_modes_of_the_terminal_stay_as_the_shell_has_them(console: Console) -> None:
    wait_for(lambda: console.frames() > 5, "frames")
    assert termios.tcgetattr(console.tty) == console.modes
    assert console.agent.stop()[0] == 0
    assert termios.tcgetattr(console.tty) == console.modes


def test_collector_never_types_to_the_shell(console: Console) -> None:
    wait_for(lambda: console.frames() > 20, "frames")
    assert "@" not in console.cli("log", "roof").out
    assert "takes no questions" in console.cli("console", "roof", input="help\n").err


def test_message_of_the_kernel_behind_the_prompt_is_logged_and_counts(console: Console) -> None:
    """The board's agent cannot read the kernel's log; printk writes where the cursor stands."""
    console.type("\n")  # the first prompt came before anybody listened
    wait_for(lambda: "board# " in console.cli("log", "roof").out, "the shell's prompt")
    os.write(console.tty, f"[   14.120000] {FAILED}\n".encode())
    wait_for(lambda: FAILED in console.cli("log", "roof").out, "the kernel's line in the log")
    (shown,) = [line for line in console.cli("log", "roof").lines if FAILED in line]
    assert shown[26] == "!"
    alerts = wait_for(lambda: console.cli("alerts", "--open", "--json").json["alerts"], "an alert")
    assert [(alert["rule"], alert["board"]) for alert in alerts] == [("kernel_failure", "roof")]
    events = console.cli("history", "--json", "roof").json["events"]
    assert [event["seq"] for event in events if event["kind"] == "alloc"] == [None]


def reads(agent: Daemon) -> int:
    """How often the agent has called read(2), see proc(5)."""
    counts = (agent.proc / "io").read_text()
    return int(counts.split("syscr:")[1].split()[0])


def test_output_that_a_person_stops_comes_when_it_goes_on(console: Console) -> None:
    termios.tcflow(console.tty, termios.TCOOFF)  # what Ctrl-S does
    before = console.frames()
    polled = reads(console.agent) + 20 * READS_A_POLL
    wait_for(lambda: reads(console.agent) > polled, "some polls")
    assert console.agent.process.poll() is None
    assert console.frames() <= before + 5
    termios.tcflow(console.tty, termios.TCOON)
    wait_for(lambda: console.frames() > before + 5, "frames after it")
    assert [gap for gap in console.gaps() if gap["reason"] != "before-contact"] == []
