"""The board's own side of the story: what its ring holds, its serial line to this machine, its agent anew."""

import os
import socket
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
import rig
from buddyd import wire, wire_host
from machine import DEADLINE_S, TELNET_PORT, Machine, MachineError, artefacts
from system_truth import Record

NAME = "board"  # as the boot script calls it
REQUEST_FRAMES = 500  # at a time; the agent gives 1024 at most


def flavour_or_skip(out: Path, flavour: str) -> str:
    """The flavour; a test of one that was not built is skipped: 2.6.30 is built only where its source is at hand."""
    try:
        artefacts(out, flavour, "flat")
    except MachineError as error:
        pytest.skip(str(error))
    return flavour


class SerialLine(rig.Line):
    """Joins the board's serial line to a terminal of this machine, host_path, for as long as it is not cut."""

    def __init__(self, board: Machine) -> None:
        super().__init__()
        self._board = socket.socket(socket.AF_UNIX)
        self._board.connect(str(board.agent_path))
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.host_path = os.ttyname(self._slave)
        self.url = f"serial://{self.host_path}?baud=115200"
        self._selector.register(self._board, rig.selectors.EVENT_READ, self._from_board)
        self._selector.register(self._master, rig.selectors.EVENT_READ, self._from_host)

    def _from_board(self) -> None:
        data = self._board.recv(rig.CHUNK_BYTES)
        if not data:
            self._selector.unregister(self._board)
        if not self.cut.is_set():
            with suppress(BlockingIOError):  # a line has no memory: what is not taken in time is lost
                os.write(self._master, data)

    def _from_host(self) -> None:
        data = os.read(self._master, rig.CHUNK_BYTES)
        if not self.cut.is_set():
            self._board.sendall(data)

    def close(self) -> None:
        super().close()
        self._board.close()
        os.close(self._master)
        os.close(self._slave)


@contextmanager
def lines_of(board: Machine) -> Iterator[tuple[SerialLine, rig.TcpLine]]:
    """The two ways to its agent, each of which can be cut."""
    serial, telnet = SerialLine(board), rig.TcpLine(board.port(TELNET_PORT))
    serial.start()
    telnet.start()
    try:
        yield serial, telnet
    finally:
        telnet.close()
        serial.close()


def telnet_url(line: rig.TcpLine) -> str:
    return f"telnet://127.0.0.1:{line.port}"


def read_file(board: Machine, path: str) -> str:
    """By words of the shell, the blanks before each line left out: on some boards no program may start any more."""
    return board.console.run(f'exec 3<{path}; while read -r line <&3; do echo "$line"; done; exec 3<&-').text


def uptime_s(board: Machine) -> float:
    return float(read_file(board, "/proc/uptime").split()[0])


def let_pass(board: Machine, seconds: float) -> None:
    """Wait until that much time has passed on the board."""
    end = uptime_s(board) + seconds
    while uptime_s(board) < end:
        time.sleep(0.1)


def wait_for_agent(board: Machine, start: int = 0) -> None:
    """Wait for the line that buddyd prints once all its links are open."""
    board.console.wait_for(r"buddyd: board: \d+ zones", start)


def pid_of_agent(board: Machine) -> int:
    for line in board.console.run("ps").text.splitlines():
        if "/bin/buddyd" in line:
            return int(line.split()[0])
    raise AssertionError("no buddyd among the processes")


def restart_agent(board: Machine, interval_s: float, more: str = "") -> None:
    """The agent of the boot script polls every 5 s; start it again, for a test that is in a hurry."""
    wait_for_agent(board)  # until then a program that the shell started with `&` ignores SIGINT
    # The script that started it would start it again if it were gone within five seconds.
    while "/sbin/start-buddyd" in board.console.run("ps").text:
        time.sleep(0.1)
    board.console.run("killall -INT buddyd")
    while "/bin/buddyd" in board.console.run("ps").text:  # it may wait for its next poll to see the signal
        time.sleep(0.1)
    start = len(board.console.text)
    links = f"--serial {board.kind.agent_device}:115200 --telnet 0.0.0.0:{TELNET_PORT}"
    board.console.run(f"/bin/buddyd --interval {interval_s} {links} --name {NAME} {more} &")
    wait_for_agent(board, start)


class Visitor:
    """A collector's half of the talk over telnet, by hand."""

    def __init__(self, board: Machine) -> None:
        self._socket = socket.create_connection(("127.0.0.1", board.port(TELNET_PORT)), timeout=DEADLINE_S)
        self._file = self._socket.makefile("rb")
        self.hellos: list[bytes] = []
        self.facts: dict[str, str] = {}
        self.frames: dict[bytes, bytes] = {}  # by the two digits of their numbers: fewer than 8100 are expected
        self.gaps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
        self._socket.close()

    def ask_hello(self) -> dict[str, str]:
        """All facts of the hello; its last line ends in the newest numbers."""
        self.facts = {}
        self._say(wire_host.ask_hello())
        while "next" not in self.facts:
            self._hear()
        return self.facts

    def fetch(self) -> tuple[str, int]:
        """Fetch every frame from 1 to the newest; (boot id, its number)."""
        facts = self.ask_hello()
        last = int(facts["next"]) - 1
        while missing := [seq for seq in range(1, last + 1) if wire.short_sequence(seq) not in self.frames]:
            assert not self.gaps, f"the board's ring has lost what was before frame {facts['oldest']}"
            first = missing[0]  # not all behind it need be missing: an urgent event comes before its turn
            newest = max(seq for seq in missing if seq < first + REQUEST_FRAMES)
            self._say(wire_host.ask_frames(facts["boot"], first, newest - first + 1))
            wanted = wire.short_sequence(newest)
            while wanted not in self.frames and not self.gaps:
                self._hear()
        return facts["boot"], last

    def frames_of(self, boot: str, first: int, count: int) -> list[bytes]:
        """Frames of an earlier boot, which must all be whole."""
        self._say(wire_host.ask_frames(boot, first, count))
        numbers = range(first, first + count)
        while not all(wire.short_sequence(seq) in self.frames for seq in numbers):
            self._hear()
        lines = [self.frames[wire.short_sequence(seq)] for seq in numbers]
        checked = zip(lines, numbers, strict=True)
        assert None not in [wire.unseal(line, wire.context(boot, seq)) for line, seq in checked]
        return lines

    def record(self, path: Path) -> tuple[Record, dict[str, int]]:
        """All that the agent has recorded since its start, as the tests of the system take it."""
        boot_id, last = self.fetch()
        frames = [self.frames[wire.short_sequence(seq)] for seq in range(1, last + 1)]
        path.write_bytes(b"\n".join([*self.hellos, *frames, b""]))
        record = Record(path)
        record.update()
        return record, {boot_id: last}

    def _say(self, line: bytes) -> None:
        self._socket.sendall(line + b"\r\n")

    def _hear(self) -> None:
        line = self._file.readline().rstrip()
        assert line or self._file.peek(1), "the agent has closed the connection"
        if line.startswith(wire.MARK + wire.HELLO):
            self.hellos.append(line)
            content = wire.unseal(line)
            assert content is not None, line
            self.facts.update(wire_host.parse_facts(content))
        elif line.startswith(wire.MARK + wire.GAP):
            self.gaps += 1
        elif line.startswith(wire.MARK):
            self.frames[line[2:4]] = line
