"""Tells systemd that the collector is ready, and that its loop still turns (sd_notify(3)). Does nothing elsewhere."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

_PARTS = 3  # of the watchdog's time: so often its sign is sent, as sd_watchdog_enabled(3) advises (less than half)


class Service:
    """env: of this process."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._address = env.get("NOTIFY_SOCKET", "")
        own = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit_us = env.get("WATCHDOG_USEC", "") if own else ""
        self._every_s = int(limit_us) / 1e6 / _PARTS if limit_us.isdecimal() and int(limit_us) else None
        self._due_s = 0.0

    def ready(self) -> None:
        self._tell("READY=1")

    def turn(self, monotonic_s: float) -> None:
        """The loop turned. Call it about once a second."""
        if self._every_s is not None and monotonic_s >= self._due_s:
            self._due_s = monotonic_s + self._every_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect(address)
            sock.send(state.encode())
