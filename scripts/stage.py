"""A board that story.py plays, the agent that reads it, and the lines to a collector: for demonstration and tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import rig
import story

AFTER_REBOOT_UPTIME_S = 30.0
RECORD = "record.txt"


class Stage:
    """`with Stage(folder, command, interval_s) as stage:`; links are stage.serial_url and stage.telnet_url.

    command: rig.interpreter()'s. extra: more options for the agent.
    """

    def __init__(
        self, folder: Path, command: tuple[list[str], dict[str, str]], interval_s: float, extra: Iterable[str] = ()
    ) -> None:
        self.board = story.Board(folder / "proc")
        self.interval_s = interval_s
        self._command = command
        self._extra = list(extra)
        self._port = rig.free_port()
        self.serial = rig.SerialLine()
        self.telnet = rig.TcpLine(self._port)
        self.serial_url = f"serial://{self.serial.host_path}"
        self.telnet_url = f"telnet://127.0.0.1:{self.telnet.port}"
        self.record = folder / RECORD  # the standard output of every run of the agent, without loss
        self.agent: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.board.show(story.State(story.REBOOT, 400, 728))
        self.serial.start()
        self.telnet.start()
        self.start_agent()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop_agent()
        self.telnet.close()
        self.serial.close()

    def start_agent(self) -> None:
        options = ["--proc", str(self.board.proc), "--interval", str(self.interval_s), "--stdout"]
        options += ["--serial", self.serial.board_path, "--telnet", f"127.0.0.1:{self._port}", *self._extra]
        with self.record.open("ab") as record:
            self.agent = rig.start_agent(self._command, options, stdout=record)

    def stop_agent(self) -> int:
        return rig.stop_agent(self.agent) if self.agent is not None else 0

    def play(self, states: Iterable[story.State]) -> None:
        """Show one state after the other, each for about one poll."""
        for state in states:
            self.board.show(state)
            time.sleep(self.interval_s)

    def power_cycle(self) -> None:
        """Switch the board off and on: its memory is unfragmented again, and its agent restarts."""
        self.stop_agent()
        self.board.boot(AFTER_REBOOT_UPTIME_S)
        self.board.show(story.State(story.REBOOT, 20, 728))
        self.start_agent()
