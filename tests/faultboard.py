"""A board for the fault run: a real agent on a made-up /proc that moves, and the bad line to its collector.

Standard output of the agent goes to a file: every link carries the same frames, so that the file says what a store must
hold. Everything about a board follows from its seed, but for how fast this machine is.
"""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import rig
import story
from buddyd import wire
from fault_lines import TO_HOST, FaultLine, FaultPty, FaultTcp
from faults import KINDS, RARE
from system_truth import Record

AGENT_RESTART, BOARD_REBOOT, COLLECTOR_KILL, ALL = "agent-restart", "board-reboot", "collector-kill", "all at once"
# A seed's scenario: one kind of fault alone, so that the table can say what each costs, or all of them together.
SCENARIOS = (*KINDS, AGENT_RESTART, BOARD_REBOOT, COLLECTOR_KILL, ALL, ALL, ALL, ALL)
SERIAL, TELNET, CONNECT = "serial", "telnet", "connect"
RINGS = (2048, 4096, 32768)
INTERVAL_S = 0.04
EVERY_BYTES = 250
MOVES = story.way_to_failure(120)
KERNEL_LINES = (
    story.KERNEL_LINE,
    "nommu: Allocation of length 61440 from process 37 (rm) failed",
    "sh: page allocation failure. order:4, mode:0xd0",
)

Command = tuple[list[str], dict[str, str]]


class Tap:
    """The traffic of a line: how many frames the agent sends a second time, and which have arrived undamaged."""

    def __init__(self) -> None:
        self.sent_again = 0
        self.arrived: set[bytes] = set()  # ends of lines, from the mark on, since the collector first spoke
        self._seen: set[bytes] = set()
        self._rest_sent = self._rest_arrived = b""
        self._is_heard = False

    def sent(self, direction: int, data: bytes) -> None:
        if direction != TO_HOST:
            self._is_heard = True
            return
        *lines, self._rest_sent = (self._rest_sent + data).split(b"\n")
        for line in lines:
            if line[:1] == wire.MARK and line[1:2] in wire.NUMBERED:
                self.sent_again += line in self._seen
                self._seen.add(line)

    def delivered(self, direction: int, data: bytes) -> None:
        if direction == TO_HOST:
            *lines, self._rest_arrived = (self._rest_arrived + data).split(b"\n")
            if self._is_heard:
                self.arrived.update(line[line.rfind(wire.MARK) :].rstrip(b"\r") for line in lines)


class FaultBoard:
    """commands: how to start buddyd, as scripts/rig.py has it; one of them is chosen."""

    def __init__(self, folder: Path, seed: int, commands: Sequence[Command]) -> None:
        folder.mkdir(parents=True)
        chance = self._chance = random.Random(seed)
        self.seed = seed
        self.name = f"board-{seed}"
        self.scenario = SCENARIOS[seed % len(SCENARIOS)]
        self.ring_bytes = chance.choice(RINGS)
        self.link = chance.choice((SERIAL, TELNET, CONNECT))
        self._command = commands[(seed + seed // len(SCENARIOS)) % len(commands)]
        self._board = story.Board(folder / "proc")
        self._state = MOVES[0]
        self._moves = 0
        self.record = Record(folder / "record.txt")
        self._record_path = folder / "record.txt"
        self._agent: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self._restart_at = self._restarts_at(chance)
        self.tap = Tap()
        self.line, self.url, self._options = self._make_line(folder)
        self.line.tap, self.line.delivered = self.tap.sent, self.tap.delivered

    @property
    def is_killed(self) -> bool:
        """True if its collector is killed during the run."""
        return self.scenario in (COLLECTOR_KILL, ALL)

    @property
    def is_always_heard(self) -> bool:
        """True if the collector runs all the time, so that it has everything that arrived."""
        return self.scenario in KINDS and self.scenario not in ("disconnect", "half-close")

    def _restarts_at(self, chance: random.Random) -> list[int]:
        """The counts of recorded frames at which the agent restarts."""
        if self.scenario in (AGENT_RESTART, BOARD_REBOOT) or (self.scenario == ALL and chance.random() < 0.5):
            return sorted(chance.randrange(20, 160) for _ in range(chance.randint(1, 2)))
        return []

    def _make_line(self, folder: Path) -> tuple[FaultLine, str, list[str]]:
        """(the line, the collector's URL, the agent's options)."""
        kinds = KINDS if self.scenario == ALL else (self.scenario,) if self.scenario in KINDS else ()
        every_bytes = EVERY_BYTES * max(3, RARE.get(self.scenario, 1)) // 3
        if self.link == SERIAL:
            names = folder / "tty-board", folder / "tty-host"
            pty = FaultPty(self.seed, kinds, every_bytes, *names)
            return pty, f"serial://{names[1]}", ["--serial", str(names[0])]
        if self.link == TELNET:
            port = rig.free_port()
            tcp = FaultTcp(self.seed, kinds, every_bytes, 0, ("127.0.0.1", port))
            return tcp, f"telnet://127.0.0.1:{tcp.port}", ["--telnet", str(port)]
        port = rig.free_port()
        tcp = FaultTcp(self.seed, kinds, every_bytes, 0, ("127.0.0.1", port), from_board=True)
        return tcp, f"listen://127.0.0.1:{port}", ["--connect", f"127.0.0.1:{tcp.port}"]

    def start(self) -> None:
        self._board.show(self._state)
        self.line.start()
        self._start_agent()

    def _start_agent(self) -> None:
        options = ["--proc", str(self._board.proc), "--interval", str(INTERVAL_S), "--name", self.name]
        options += ["--ring", str(self.ring_bytes), "--stdout", *self._options]
        argv, environment = self._command
        with self._record_path.open("ab") as record:
            self._agent = subprocess.Popen(
                [*argv, *options], env=environment, stdin=subprocess.DEVNULL, stdout=record, stderr=subprocess.DEVNULL
            )

    def turn(self) -> None:
        """One step of the board: its memory changes, its kernel reports a failure now and then, it may restart."""
        assert self._agent is not None and self._agent.poll() is None, f"{self.name}: the agent has ended"
        self._moves += 1
        self._state = replace(MOVES[self._moves % len(MOVES)], processes=400 + self._moves)
        self._board.show(self._state)
        if self._chance.random() < 0.02:
            self._board.kernel_says(self._chance.choice(KERNEL_LINES))
        if self._restart_at and self.record.frames() >= self._restart_at[0]:
            del self._restart_at[0]
            self._restart()

    def _restart(self) -> None:
        assert self._agent is not None
        self.restarts += 1
        if self.scenario == BOARD_REBOOT or self._chance.random() < 0.5:
            self._agent.kill()
            self._agent.wait()
            self._board.boot(30.0)
            self._board.show(self._state)
        else:
            self._agent.send_signal(self._chance.choice((signal.SIGINT, signal.SIGKILL)))
            self._agent.wait()
        self._start_agent()

    def stop_agent(self) -> None:
        if self._agent is not None and self._agent.poll() is None:
            self._agent.kill()
            self._agent.wait()

    def close(self) -> None:
        self.stop_agent()
        self.line.close()
