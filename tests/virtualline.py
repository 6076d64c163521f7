"""The real agent and the real collector's side of a board in one process, over a line with a clock of its own.

The line takes as long as its rate says, in both directions; nothing else takes any time. So what a rate allows can be
told by counting bytes, and a day takes seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from boards import config
from buddyd.agent import Agent
from buddyd.ring import Ring
from buddyd.start import new_boot_id
from buddyd.talk.conversation import Conversation
from buddywatch.alerts.evaluate import BoardRules
from buddywatch.collect.board import Board, Now
from buddywatch.links.base import NEVER
from buddywatch.links.connection import Connection
from buddywatch.model.alerts import RulesHistory
from buddywatch.model.samples import Retime
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.line_stream import Text

EPOCH = 1.7e9
READY_BYTES = 256  # n_tty reports room while fewer are queued


def new_board(name: str, tracker: BoardTracker | None = None) -> Board:
    """A board of a collector that has no store."""
    rules = BoardRules(name, config(), RulesHistory({}), count(1).__next__, EPOCH, 0.0)
    return Board(name, tracker or BoardTracker(), rules, (), Now(EPOCH, 0.0))


class Player:
    """Sampler and kernel log of an agent: plays rows of (vector, kernel lines) of a board with one zone."""

    def __init__(self, rows: Iterable[tuple[list[int], list[str]]], orders: int, marks: list[int]) -> None:
        self._rows: Iterator[tuple[list[int], list[str]]] = iter(rows)
        self._zone = f"0/DMA/{orders}/{'/'.join(map(str, marks))}"
        self.vector, self._lines = next(self._rows)
        self._first = True
        self.zones = (None,)
        self.file = self  # of the kernel log
        self.pollable = False
        self.lost = 0

    def drain(self, take: Callable[[str, int], None]) -> None:
        if not self._first:
            self.vector, self._lines = next(self._rows)
        self._first = False
        for line in self._lines:
            take(line, self.vector[0])

    def read(self, news: Callable[[str], None]) -> bool:
        return True

    def uptime_cs(self) -> int:
        return self.vector[0]

    def value(self, column: str) -> int:
        return self.vector[("up", "proc", "free", "recl", "slab").index(column)]

    def missing(self) -> list[str]:
        return []

    def facts(self) -> Iterator[tuple[str, str]]:
        yield from {
            "kernel": "6.1.192", "machine": "COLDFIRE(m520x)", "page_bytes": "4096", "nommu": "1",
            "compaction": "impossible", "kboot": "-", "trim": "1", "cols": "up,proc,free,recl,slab", "zones": "1",
            "z0": self._zone,
        }.items()  # fmt: skip


def agent(player: Player, interval_ms: int, ring_bytes: int) -> Agent:
    """An agent whose board is a player."""
    settings = {"interval_ms": interval_ms, "secret": None, "map_ms": 0}
    return Agent(settings, player, player, Ring(ring_bytes), "xport-07", new_boot_id("/proc"))


class Way:
    """One direction: bytes go in, and come out when they have been sent. bad: damages them on the way."""

    def __init__(self, clock: Line, bytes_per_s: float) -> None:
        self._clock = clock
        self._rate = bytes_per_s
        self._free_s = 0.0
        self._under_way: deque[tuple[float, bytes]] = deque()
        self.bad: Callable[[bytes], bytes] = lambda data: data
        self.carried_bytes = 0

    @property
    def queued_bytes(self) -> float:
        return max(0.0, self._free_s - self._clock.now) * self._rate

    def put(self, data: bytes) -> None:
        self.carried_bytes += len(data)
        self._free_s = max(self._free_s, self._clock.now) + len(data) / self._rate
        self._under_way.append((self._free_s, self.bad(data)))

    def take(self) -> bytes:
        data = b""
        while self._under_way and self._under_way[0][0] <= self._clock.now:
            data += self._under_way.popleft()[1]
        return data

    def next_s(self) -> float:
        """When something comes out."""
        return self._under_way[0][0] if self._under_way else NEVER

    def ready_s(self) -> float:
        """When there is room."""
        return max(self._clock.now, self._free_s - (READY_BYTES - 1) / self._rate)


class BoardEnd:
    """The agent's stream."""

    def __init__(self, to_host: Way, to_board: Way) -> None:
        self._to_host, self._to_board = to_host, to_board
        self._came = b""

    def write(self, data: memoryview) -> int | None:
        if self._to_host.queued_bytes >= READY_BYTES:
            return None
        self._to_host.put(bytes(data))
        return len(data)

    def read(self, size: int) -> bytes | None:
        self._came += self._to_board.take()
        data, self._came = self._came[:size], self._came[size:]
        return data or None

    def close(self) -> None:
        pass


class HostEnd:
    """The collector's link. listens_only: it has no wire to the board."""

    flows_unasked = True
    wants_write = False
    wake_s = NEVER

    def __init__(self, to_host: Way, to_board: Way, listens_only: bool) -> None:
        self.url = "virtual:"
        self.takes_requests = self.has_human_side = not listens_only
        self.up = False
        self._to_host, self._to_board = to_host, to_board

    def start(self) -> None:
        self.up = True

    def fileno(self) -> None:
        return None

    def read(self) -> bytes:
        return self._to_host.take()

    def write(self, data: bytes) -> int:
        self._to_board.put(data)
        return len(data)

    def close(self) -> None:
        self.up = False


class Line:
    """A board, a line of so many bytes a second, and a collector's side of it. stored: what would be stored."""

    def __init__(
        self, agent: Agent, bytes_per_s: float, listens_only: bool = False, flows_unasked: bool = True
    ) -> None:
        self.now = 0.0
        self.host_error_s = 0.0  # by which the host's clock is wrong
        self.agent = agent
        self.to_host, self.to_board = Way(self, bytes_per_s), Way(self, bytes_per_s)
        self.peer = Conversation(agent, flows_unasked)
        self.stored: list[object] = []
        self._board_end = BoardEnd(self.to_host, self.to_board)
        self._link = HostEnd(self.to_host, self.to_board, listens_only)
        self._interval_s = agent.interval_ms / 1000
        self._poll_s = 0.0
        self.connection: Connection | None = None

    def poll(self, times: int) -> None:
        """A number of polls while no collector is connected."""
        for _ in range(times):
            self.agent.poll()
            self.now = self._poll_s
            self._poll_s += self._interval_s

    def connect(self) -> None:
        self.peer.attach(self._board_end, None)
        self.connection = Connection(self._link)
        self.board = new_board("xport-07")
        self.retimes: list[Retime] = []  # corrections for the store

    def restart_collector(self, tracker: BoardTracker) -> None:
        """A new tracker with the knowledge of `tracker`."""
        self.connection = Connection(self._link)
        self.board = new_board("xport-07", tracker)

    @property
    def is_whole(self) -> bool:
        """Whether the collector has met the board, and lacks nothing that it knows of."""
        tracker = self.board.tracker
        return not tracker.wants_hello and tracker.next_request(1) is None

    def run_until(self, done: Callable[[], bool], most_s: float = NEVER) -> None:
        end_s = self.now + most_s
        while not done():
            assert self.now <= end_s, f"not done after {most_s} s of the line's time"
            self.step()

    def run_polls(self, times: int) -> None:
        """So many polls."""
        end_s = self._poll_s + (times - 0.5) * self._interval_s
        self.run_until(lambda: self._poll_s > end_s)

    def step(self) -> None:
        """Go on to the next thing that happens."""
        assert self.connection is not None
        ready_s = self.to_host.ready_s() if self.peer.wants_write() else NEVER
        due_s = self.board._requests.due
        self.now = max(
            self.now,
            min(
                self._poll_s, ready_s, self.to_host.next_s(), self.to_board.next_s(), NEVER if due_s is None else due_s
            ),
        )
        if self.now >= self._poll_s:
            self.agent.poll()
            self._poll_s += self._interval_s
        self._serve_board()
        self._serve_host(self.connection)

    def _serve_board(self) -> None:
        while self.to_board.next_s() <= self.now:
            self.peer.receive()
        self.peer.receive()
        while self.peer.wants_write() and self.to_host.queued_bytes < READY_BYTES:
            self.peer.send()

    def _serve_host(self, connection: Connection) -> None:
        connection.tend(self.now)
        at = Now(EPOCH + self.now + self.host_error_s, self.now)
        for item in connection.receive(self.now):
            if not isinstance(item, Text):
                self.stored += self.board.take(item, at.time, True, at)
                connection.is_puzzling = self.board.tracker.wants_hello
        self.retimes += self.board.take_rows(0.0).retimes
        self.board.ask([connection], at)
