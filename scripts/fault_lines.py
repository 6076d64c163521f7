"""Lines that apply the faults of faults.py: a pair of terminals, and a TCP port that forwards to another."""

from __future__ import annotations

import os
import socket
import termios
import time
import tty
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import rig
from faults import Action, Direction, Disconnect, Echo, HalfClose, Send, Wait

PLUGGED_OUT_S = 0.2  # how long an unplugged adapter stays away
WRITE_AGAIN_S = 0.01

TO_HOST, TO_BOARD = 0, 1


class Lane:
    """One direction of a connected line: waiting bytes and their times. write(bytes): how many were accepted."""

    def __init__(self, direction: Direction, write: Callable[[bytes], int]) -> None:
        self.direction = direction
        self.closed = False  # nothing more is transmitted in this direction
        self._write = write
        self._queue: deque[Action] = deque()
        self._queued_bytes = 0
        self._due_s = 0.0

    def put(self, action: Action) -> None:
        """Bytes for a full queue are lost, as on a line without flow control."""
        if isinstance(action, Send):
            if self._queued_bytes > rig.PENDING_MAX_BYTES:
                return
            self._queued_bytes += len(action.data)
        self._queue.append(action)

    def due_s(self) -> float | None:
        return self._due_s if self._queue else None

    def pump(self, now_s: float) -> Action | None:
        """Write what is due. Returns the next action that the line itself must apply, or None."""
        while self._queue and now_s >= self._due_s:
            action = self._queue.popleft()
            if isinstance(action, Wait):
                self._due_s = now_s + action.seconds
            elif not isinstance(action, Send):
                return action
            elif not self.closed:
                taken = self._write(action.data)
                self._queued_bytes -= taken
                if taken < len(action.data):
                    self._queue.appendleft(Send(action.data[taken:]))
                    self._due_s = now_s + WRITE_AGAIN_S
        return None


class FaultLine(rig.Line):
    """kinds, every_bytes: see faults.Direction; towards the board fewer bytes are sent, so faults are closer."""

    def __init__(self, seed: int, kinds: Iterable[str], every_bytes: int) -> None:
        super().__init__()
        kinds = tuple(kinds)
        self.directions = [
            Direction(f"{seed} to host", kinds, every_bytes),
            Direction(f"{seed} to board", kinds, max(20, every_bytes // 8)),
        ]
        self.tap: Callable[[int, bytes], object] = lambda direction, data: None  # gets bytes before the faults
        self.delivered: Callable[[int, bytes], object] = lambda direction, data: None  # gets bytes after the faults
        self._pairs: list[tuple[Lane, Lane]] = []

    def calm(self) -> None:
        """No more faults from now on."""
        for direction in self.directions:
            direction.calm()

    def done(self) -> tuple[Counter[str], Counter[str]]:
        """(times injected, bytes hit), by kind."""
        here, there = self.directions
        return here.times + there.times, here.hit_bytes + there.hit_bytes

    def _took(self, pair: tuple[Lane, Lane], towards: int, data: bytes) -> None:
        self.tap(towards, data)
        for action in self.directions[towards].feed(data):
            if isinstance(action, Echo):
                pair[1 - towards].put(Send(action.data))
            else:
                pair[towards].put(action)

    def _due_in_s(self) -> float | None:
        due = [due_s for pair in self._pairs for lane in pair if (due_s := lane.due_s()) is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _tend(self) -> None:
        for pair in list(self._pairs):
            for towards, lane in enumerate(pair):
                action = lane.pump(time.monotonic())
                if isinstance(action, Disconnect):
                    self._disconnect(pair)
                    break
                if isinstance(action, HalfClose):
                    self._half_close(pair, towards)

    def _disconnect(self, pair: tuple[Lane, Lane]) -> None:
        raise NotImplementedError

    def _half_close(self, pair: tuple[Lane, Lane], towards: int) -> None:
        raise NotImplementedError


class FaultPty(FaultLine):
    """Two terminals, named by symbolic links. A disconnect removes the host's for a while, like an unplugged adapter.
    A half-close, which serial lines do not have, does the same."""

    def __init__(self, seed: int, kinds: Iterable[str], every_bytes: int, board: Path, host: Path) -> None:
        super().__init__(seed, kinds, every_bytes)
        self._names = host, board
        self._ends: list[tuple[int, int] | None] = [None, None]  # master and slave, of host and board
        self._back_s: float | None = None
        for end in (TO_HOST, TO_BOARD):
            self._open(end)
        self._pairs.append(self._new_pair())

    def _new_pair(self) -> tuple[Lane, Lane]:
        to_host, to_board = self.directions
        return Lane(to_host, lambda data: self._write(TO_HOST, data)), Lane(
            to_board, lambda data: self._write(TO_BOARD, data)
        )

    def _open(self, end: int) -> None:
        """Make a terminal. The slave is held open, so that it survives a side that opens and closes it."""
        master, slave = self._ends[end] = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        os.set_blocking(master, False)
        name = self._names[end]
        name.unlink(missing_ok=True)
        name.symlink_to(os.ttyname(slave))
        self._selector.register(master, rig.selectors.EVENT_READ, lambda: self._read(end))

    def _close(self, end: int) -> None:
        terminal = self._ends[end]
        if terminal is not None:
            self._ends[end] = None
            self._selector.unregister(terminal[0])
            self._names[end].unlink(missing_ok=True)
            for descriptor in terminal:
                os.close(descriptor)

    def _read(self, end: int) -> None:
        terminal = self._ends[end]
        if terminal is not None:
            with suppress(OSError):
                self._took(self._pairs[0], 1 - end, os.read(terminal[0], rig.CHUNK_BYTES))

    def _write(self, end: int, data: bytes) -> int:
        terminal = self._ends[end]
        if terminal is None:
            return len(data)  # the cable is not connected
        try:
            taken = os.write(terminal[0], data)
        except BlockingIOError:
            return 0
        self.delivered(end, data[:taken])
        return taken

    def _disconnect(self, pair: tuple[Lane, Lane]) -> None:
        if self._back_s is None:
            self._close(TO_HOST)
            self._back_s = time.monotonic() + PLUGGED_OUT_S
            self._pairs[:] = [self._new_pair()]

    def _half_close(self, pair: tuple[Lane, Lane], towards: int) -> None:
        self._disconnect(pair)

    def _due_in_s(self) -> float | None:
        due_in_s = super()._due_in_s()
        if self._back_s is None:
            return due_in_s
        back_in_s = max(0.0, self._back_s - time.monotonic())
        return back_in_s if due_in_s is None else min(due_in_s, back_in_s)

    def _tend(self) -> None:
        super()._tend()
        if self._back_s is not None and time.monotonic() >= self._back_s:
            self._back_s = None
            self._open(TO_HOST)

    def close(self) -> None:
        super().close()
        for end in (TO_HOST, TO_BOARD):
            terminal, self._ends[end] = self._ends[end], None
            if terminal is not None:
                self._names[end].unlink(missing_ok=True)
                for descriptor in terminal:
                    os.close(descriptor)


class FaultTcp(FaultLine):
    """A port that forwards to `target`. from_board: the board is the side that connects."""

    def __init__(
        self,
        seed: int,
        kinds: Iterable[str],
        every_bytes: int,
        port: int,
        target: tuple[str, int],
        from_board: bool = False,
    ) -> None:
        super().__init__(seed, kinds, every_bytes)
        self._target = target
        self._caller = TO_BOARD if from_board else TO_HOST  # the end that connects
        self._sockets: dict[int, dict[int, socket.socket]] = {}  # by pair, then by end
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self._selector.register(self._listener, rig.selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            near.close()
            return
        ends = {self._caller: near, 1 - self._caller: far}
        pair = tuple(Lane(self.directions[end], lambda data, end=end: self._write(ends, end, data)) for end in (0, 1))
        self._pairs.append(pair)  # type: ignore[arg-type]
        self._sockets[id(pair)] = ends
        for end, connection in ends.items():
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(
                connection, rig.selectors.EVENT_READ, lambda end=end, pair=pair: self._read(pair, end)
            )

    def _write(self, ends: dict[int, socket.socket], end: int, data: bytes) -> int:
        try:
            taken = ends[end].send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # its read() reports the error as well
        self.delivered(end, data[:taken])
        return taken

    def _read(self, pair: tuple[Lane, Lane], end: int) -> None:
        ends = self._sockets.get(id(pair))
        if ends is None:
            return
        try:
            data = ends[end].recv(rig.CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._took(pair, 1 - end, data)
        else:
            pair[1 - end].put(Disconnect())
            self._selector.unregister(ends[end])

    def _half_close(self, pair: tuple[Lane, Lane], towards: int) -> None:
        pair[towards].closed = True
        with suppress(OSError):
            self._sockets[id(pair)][towards].shutdown(socket.SHUT_WR)

    def _disconnect(self, pair: tuple[Lane, Lane]) -> None:
        if pair in self._pairs:
            self._pairs.remove(pair)
            for connection in self._sockets.pop(id(pair)).values():
                with suppress(KeyError):
                    self._selector.unregister(connection)
                connection.close()

    def close(self) -> None:
        super().close()
        for ends in self._sockets.values():
            for connection in ends.values():
                connection.close()
        self._listener.close()
