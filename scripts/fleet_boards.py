"""Many boards played by one process: a TCP port and a real conversation each, frames made by the agent's own encoder.

These boards do not read /proc: their block counts change as those of a busy allocator do. They keep every frame of the
run, so that a collector can request any missing frame again.
"""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from typing import Self

import story
from buddyd import wire

_READ_BYTES = 4096
_ORDERS = len(story.REBOOT)
_RESERVE_PAGES = 0
_COUNTS_AT = 5 + 4  # after up, proc, free, recl, slab and the four marks
_UPTIME_CS = 5 * 8_640_000  # at the start: five days, as forecasts are rarer for a board that has run for long
_MOVING_ORDERS = 5  # larger blocks do not change: the ordinary case is measured, without alerts


class FleetBoard:
    """One board with its listening socket. sent: the block counts of every snapshot by its frame number."""

    def __init__(self, number: int, interval_s: float) -> None:
        self.name = f"board{number:05d}"
        self.boot = f"{0xB0000000 + number:08x}"
        self.sent: dict[int, tuple[int, ...]] = {}
        self.was_asked = False
        self._interval_cs = max(1, round(interval_s * 100))
        self._random = random.Random(number)
        self._frames: list[bytes] = []  # frame n is at n - 1
        self._key = 0  # number of the newest key frame
        self._began_s = time.monotonic()
        self._vector = first_vector()
        self._encoder = wire.Encoder(self.boot, len(self._vector), self._interval_cs, 1 << 20)
        self._peers: dict[socket.socket, Peer] = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = int(self.listener.getsockname()[1])

    def go_on_behind(self, frames: int) -> None:
        """Start as a board that has already sent this many frames, one for each poll, to a collector that has them."""
        self._frames = [b""] * frames
        self._encoder.sequence = frames + 1
        self._began_s -= frames * self._interval_cs / 100

    def poll(self) -> None:
        """Make a snapshot and send it to all connections."""
        self._vector[0] = max(self._uptime_cs(), self._vector[0] + 1)  # also if this process was late: never twice
        live_a_little(self._vector, self._random)
        first = len(self._frames) + 1
        self._encoder.snapshot(self._vector, self._frames.append)
        if self._frames[first - 1][1] in wire.STARTS_GROUP:
            self._key = first
        self.sent[len(self._frames)] = tuple(self._vector[_COUNTS_AT:])
        self._send_from(first)

    def fail(self) -> None:
        """Report that the kernel refused an allocation."""
        first = len(self._frames) + 1
        text = "Allocation of length 61440 from process 17 (rm) failed"
        self._encoder.event(wire.event_text(self._uptime_cs(), "alloc", 61440, 17, "rm", text), self._frames.append)
        self._send_from(first)

    def _send_from(self, first: int) -> None:
        for peer in self._peers.values():
            if peer.flows:
                peer.say(self._frames[first - 1 :])

    def accept(self, selector: selectors.BaseSelector) -> None:
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        self._peers[connection] = Peer(connection, selector, self)

    def forget(self, connection: socket.socket) -> None:
        del self._peers[connection]

    def close(self) -> None:
        for connection in (self.listener, *self._peers):
            connection.close()

    def answer(self, content: bytes) -> Iterator[bytes]:
        """The frames that a request asks for."""
        self.was_asked = True
        if content[1:2] == wire.ASK_FRAMES:
            boot, first, count = wire.parse_numbers(content)
            if boot == self.boot:
                yield from self._frames[first - 1 : first - 1 + count]
                return
        yield from wire.hello_lines(self.boot, self.facts())

    def facts(self) -> Iterator[tuple[str, str]]:
        yield from settled_facts(self.name, self._interval_cs)
        yield from (("up", str(self._uptime_cs())), ("key", str(self._key)))
        yield from (("oldest", "1"), ("next", str(len(self._frames) + 1)))

    def _uptime_cs(self) -> int:
        return _UPTIME_CS + round((time.monotonic() - self._began_s) * 100)


def first_vector() -> list[int]:
    return [_UPTIME_CS, 400, 200, 60, 180, *story.MARKS, _RESERVE_PAGES, *story.REBOOT]


def settled_facts(name: str, interval_cs: int) -> Iterator[tuple[str, str]]:
    """The facts that a hello begins with."""
    yield from (("v", str(wire.VERSION)), ("name", name), ("interval_cs", str(interval_cs)))
    yield from (("kernel", "2.6.30"), ("machine", "m68k"), ("page_bytes", "4096"), ("nommu", "1"), ("kboot", "-"))
    yield from (("cols", "up,proc,free,recl,slab"), ("zones", "1"))
    marks = "/".join(str(pages) for pages in (*story.MARKS, _RESERVE_PAGES))
    yield "z0", f"0/DMA/{_ORDERS}/{marks}"


def live_a_little(vector: list[int], rng: random.Random) -> None:
    """Split a block, join two, or allocate and free a small one; start a process now and then."""
    vector[1] += rng.random() < 0.2
    order = rng.randrange(1, _MOVING_ORDERS)
    large, small = _COUNTS_AT + order, _COUNTS_AT + order - 1
    if vector[large] and rng.random() < 0.5:
        vector[large] -= 1
        vector[small] += 2
    elif vector[small] >= 2:
        vector[small] -= 2
        vector[large] += 1
    if rng.random() < 0.3:
        vector[_COUNTS_AT] += 1 if vector[_COUNTS_AT] == 0 or rng.random() < 0.5 else -1


class Peer:
    """A connection to a board. flows: it has sent a request, so it gets every new frame from then on."""

    def __init__(self, connection: socket.socket, selector: selectors.BaseSelector, board: FleetBoard) -> None:
        self.flows = False
        self._connection = connection
        self._selector = selector
        self._board = board
        self._typed = b""
        self._out = b""
        selector.register(connection, selectors.EVENT_READ, self._ready)

    def say(self, lines: list[bytes]) -> None:
        self._out += b"".join(line + b"\n" for line in lines)
        self._flush()

    def _ready(self) -> None:
        try:
            data = self._connection.recv(_READ_BYTES)
            if not data:
                self._close()
                return
        except BlockingIOError:
            data = b""
        except OSError:
            self._close()
            return
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            content = wire.unseal(line) if line[:1] == wire.ASK else None
            if content is not None:
                self.flows = True
                self._out += b"".join(frame + b"\n" for frame in self._board.answer(content))
        self._flush()

    def _flush(self) -> None:
        try:
            if self._out:
                self._out = self._out[self._connection.send(self._out) :]
        except BlockingIOError:
            pass
        except OSError:
            return  # the next read fails in the same way, and closes it
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        if self._selector.get_key(self._connection).events != wanted:
            self._selector.modify(self._connection, wanted, self._ready)

    def _close(self) -> None:
        self._selector.unregister(self._connection)
        self._board.forget(self._connection)
        self._connection.close()


class Fleet:
    """A number of boards, each with a snapshot every interval_s, one after the other; None: they send none."""

    def __init__(self, count: int, interval_s: float | None) -> None:
        self.boards = [FleetBoard(number, interval_s or 1.0) for number in range(count)]
        self._interval_s = interval_s
        self._due: list[tuple[float, int]] = []  # (due time, board)
        self._selector = selectors.DefaultSelector()
        for board in self.boards:
            self._selector.register(board.listener, selectors.EVENT_READ, self._accepts(board))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._selector.close()
        for board in self.boards:
            board.close()

    def _accepts(self, board: FleetBoard) -> Callable[[], None]:
        return lambda: board.accept(self._selector)

    @property
    def snapshots(self) -> int:
        """Sent so far."""
        return sum(len(board.sent) for board in self.boards)

    def start_polls(self) -> None:
        """Start making snapshots, the boards evenly spread over the interval."""
        if self._interval_s is not None:
            now_s, step_s = time.monotonic(), self._interval_s / len(self.boards)
            self._due = [(now_s + number * step_s, number) for number in range(len(self.boards))]

    def stop_polls(self) -> None:
        """Stop making snapshots; requests are still answered."""
        self._due = []

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Play for the given time, or until a condition, checked once a second, is true. Returns whether it was."""
        end_s = time.monotonic() + seconds
        look_s = 0.0
        while (now_s := time.monotonic()) < end_s:
            if now_s >= look_s:
                look_s = now_s + 1.0
                if until():
                    return True
            while self._due and self._due[0][0] <= now_s:
                due_s, number = self._due[0]
                self.boards[number].poll()
                heapq.heapreplace(self._due, (due_s + (self._interval_s or 0), number))
            next_s = min(end_s, look_s, self._due[0][0] if self._due else end_s)
            for key, _ in self._selector.select(max(0.0, next_s - time.monotonic())):
                key.data()
        return until()
