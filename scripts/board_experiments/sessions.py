"""Telnet sessions of the experiments: many logins, or one that is held. Each is a shell on the board."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Self

from scripts.board_experiments.measures import HELD, NO_SESSIONS

EACH_STEPS = 5
_PROMPT, _DEADLINE_S, _CHUNK_BYTES = b"/ # ", 30.0, 4096


class Session:
    """Raises OSError where no shell answers: its start was refused, or the board has stopped."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_S)
        self._wait_for_prompt()

    def run(self, command: str) -> None:
        self._socket.sendall(f"{command}\r\n".encode())
        self._wait_for_prompt()

    def close(self) -> None:
        """Ends the shell, and waits until the board has closed the connection."""
        with suppress(OSError):
            self._socket.sendall(b"exit\r\n")
            while self._socket.recv(_CHUNK_BYTES):
                pass
        self._socket.close()

    def _wait_for_prompt(self) -> None:
        said = b""
        while not said.endswith(_PROMPT):
            data = self._socket.recv(_CHUNK_BYTES)
            if not data:
                raise ConnectionError("the board has ended it")
            said += data


class Sessions:
    """Those of one run. kind: as in Measure.sessions. A shell whose start is refused is in the kernel's log."""

    def __init__(self, kind: str, port: int) -> None:
        self._kind, self._port = kind, port
        self._held: Session | None = None

    def __enter__(self) -> Self:
        if self._kind == HELD:
            self._held = Session(self._port)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._held is not None:
            self._held.close()

    def step(self, number: int) -> None:
        if self._kind == NO_SESSIONS or number % EACH_STEPS:
            return
        with suppress(OSError):
            if self._held is not None:
                self._held.run("echo x")
                return
            login = Session(self._port)
            login.run("echo x")
            login.close()
