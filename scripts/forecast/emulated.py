"""The workloads on the emulated board: its kernel is asked for memory in place of the model of the allocator.

A run of one page is a file in the board's RAM disk; emptied, it gives its page back. A longer run is a program that
stays until it is killed. A shell on the board plays the steps as fast as it can, and takes the snapshots itself without
starting a program. It is reached over the network: the serial console would take the commands byte by byte.
"""

from __future__ import annotations

import random
import re
import socket
import time
from typing import NamedTuple

from machine import DEADLINE_S, SHELL_PORT, Machine, MachineError

LINE_CHARS = 200  # the shell reads lines of 254
AHEAD = 8  # steps on their way: together less than the 4096 bytes that the board's terminal holds
# Up to so many pages: the command. None is larger than the need: Linux 2.6.30 damages a shell that starts one in vain.
PROGRAMS = ((13, "start-40k x"), (26, "start-60k x"))
SNAPSHOT = 'read u x </proc/uptime; read x x x x n </proc/buddyinfo; echo "=$u $n"'
FUNCTIONS = (
    "w() { echo >/tmp/$1; }",
    "e() { : >/tmp/$1; }",
    's() { i=$1; shift; "$@" & eval "P$i=$!"; }',
    'k() { eval "kill \\$P$1; wait \\$P$1"; } 2>/dev/null',
    f"b() {{ {SNAPSHOT}; }}",
)
_ROW = re.compile(r"^=(\d+)\.(\d\d) ([\d ]+?)\s*$", re.MULTILINE)


class Row(NamedTuple):
    up_ms: int
    nr_free: list[int]


def rows_in(text: str) -> list[Row]:
    """The snapshots among what a shell said."""
    found = _ROW.findall(text)
    return [Row(int(s) * 1000 + int(hundredths) * 10, [int(n) for n in ns.split()]) for s, hundredths, ns in found]


class Shell:
    """A login on the board. rows: what its function b has printed so far."""

    def __init__(self, machine: Machine) -> None:
        self._socket = _connected(machine)
        self._file = self._socket.makefile("r", encoding="latin-1", newline="\n")
        self.rows: list[Row] = []
        for function in FUNCTIONS:
            self.send(function)

    def send(self, line: str) -> None:
        self._socket.sendall(f"{line}\n".encode())

    def wait_for_rows(self, count: int) -> None:
        """MachineError if the shell does not answer any more, as after a refused start on Linux 2.6.30."""
        while len(self.rows) < count:
            try:
                line = self._file.readline()
            except OSError:
                line = ""
            if not line:
                raise MachineError(f"the shell ended or does not answer after {len(self.rows)} snapshots")
            self.rows += rows_in(line)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class EmulatedMemory:
    """What allocator.BuddyAllocator is for the model. Requests are gathered, and sent when nr_free is asked for."""

    def __init__(self, shell: Shell, seed: str) -> None:
        self._shell = shell
        self._random = random.Random(f"snapshots {seed}")
        self._commands: list[str] = []
        self._emptied: list[int] = []
        self._names = self._steps = 0

    def take(self, pages: int) -> tuple[int, int]:
        """(name, pages). A refusal is seen in a later snapshot, not here."""
        if pages == 1 and self._emptied:
            name = self._emptied.pop()
        else:
            name = self._names = self._names + 1
        program = next((command for most, command in PROGRAMS if pages <= most), PROGRAMS[-1][1])
        self._commands.append(f"w {name}" if pages == 1 else f"s {name} {program}")
        return name, pages

    def give_back(self, run: tuple[int, int]) -> None:
        name, pages = run
        if pages == 1:
            self._emptied.append(name)
        self._commands.append(f"{'e' if pages == 1 else 'k'} {name}")

    @property
    def nr_free(self) -> list[int]:
        """End the step, with a snapshot at some moment of it; the newest block counts that have come back."""
        self._commands.insert(self._random.randint(0, len(self._commands)), "b")
        for line in lines_of(self._commands):
            self._shell.send(line)
        self._commands = []
        self._steps += 1
        self._shell.wait_for_rows(max(1, self._steps - AHEAD))
        return self._shell.rows[-1].nr_free

    def finish(self) -> None:
        """Wait for all steps."""
        self._shell.wait_for_rows(self._steps)


def lines_of(commands: list[str]) -> list[str]:
    """The commands in as few lines as the shell can read."""
    lines = [""]
    for command in commands:
        if lines[-1] and len(lines[-1]) + len(command) > LINE_CHARS:
            lines.append("")
        lines[-1] += f"; {command}" if lines[-1] else command
    return lines


def _connected(machine: Machine) -> socket.socket:
    """A connection to the board's shell, as soon as it has its network and says its prompt."""
    end = time.monotonic() + DEADLINE_S
    while machine.is_on and time.monotonic() < end:
        connection = socket.create_connection(("127.0.0.1", machine.port(SHELL_PORT)), timeout=DEADLINE_S)
        try:
            if connection.recv(1):
                return connection
        except OSError:
            pass
        connection.close()
        time.sleep(0.2)
    raise MachineError("the board's shell cannot be reached over its network")
