"""Lines that fail, for the tests of links: an adapter that is pulled out, a peer that sends what the test wants."""

import os
import socket
import termios
import threading
import tty
from contextlib import suppress
from pathlib import Path

import rig
from waiting import DEADLINE_S


class Adapter(rig.Line):
    """A serial line whose end at the host is a USB adapter: `device` is there only while it is plugged in."""

    def __init__(self, device: Path) -> None:
        super().__init__()
        self._device = device
        self._plugged = threading.Lock()
        self._host: tuple[int, int] | None = None  # master and slave
        self._board = self._terminal()
        self.board_path = os.ttyname(self._board[1])
        self._watch(self._board[0])

    @staticmethod
    def _terminal() -> tuple[int, int]:
        master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        os.set_blocking(master, False)
        return master, slave

    def _watch(self, master: int) -> None:
        self._selector.register(master, rig.selectors.EVENT_READ, lambda: self._move(master))

    def plug_in(self) -> None:
        with self._plugged:
            self._host = self._terminal()
            self._watch(self._host[0])
            self._device.symlink_to(os.ttyname(self._host[1]))

    def pull_out(self) -> None:
        """Programs that have the device open see a hang-up, as when a driver disconnects."""
        with self._plugged:
            assert self._host is not None
            self._device.unlink()
            self._selector.unregister(self._host[0])
            for descriptor in self._host:
                os.close(descriptor)
            self._host = None

    def _move(self, here: int) -> None:
        with self._plugged, suppress(OSError):  # a line has no memory: what is not taken in time is lost
            host = None if self._host is None else self._host[0]
            if here == self._board[0]:
                data = os.read(here, rig.CHUNK_BYTES)
                if host is not None:
                    os.write(host, data)
            elif here == host:
                os.write(self._board[0], os.read(here, rig.CHUNK_BYTES))

    def close(self) -> None:
        if self._host is not None:
            self.pull_out()
        super().close()
        for descriptor in self._board:
            os.close(descriptor)


class Peer:
    """A TCP server for one host, which sends what the test wants."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self._host: socket.socket | None = None
        self.port = int(self._listener.getsockname()[1])

    def accept(self) -> None:
        self._host, _ = self._listener.accept()
        self._host.settimeout(DEADLINE_S)

    def say(self, data: bytes) -> None:
        assert self._host is not None
        self._host.sendall(data)

    def close(self) -> None:
        for end in (self._host, self._listener):
            if end is not None:
                end.close()
