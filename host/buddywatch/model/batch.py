"""Rows of many boards that wait for the store, which writes them in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from buddywatch.model.alerts import Incident, RuleState, Transition
from buddywatch.model.forecasts import MarginRecord, NeedForecast
from buddywatch.model.links import LinkHealth, UnheardLink
from buddywatch.model.samples import Boot, BootEnd, ConsoleLine, Event, Gap, Retime, Snapshot


class VectorRow(NamedTuple):
    """A snapshot as the numbers of the wire, in the order of its boot's Layout. time_ms: since 1970."""

    boot_id: str
    first_seq: int
    seq: int
    time_ms: int
    vector: Sequence[int]


class Segment(NamedTuple):
    """Frames first_seq..seq of a boot, without a hole: `samples` snapshots. time_ms: of the last. body: see
    protocol/segment.py."""

    first_seq: int
    seq: int
    time_ms: int
    samples: int
    body: bytes


@dataclass(frozen=True)
class StoredEvent:
    """copy: already known, from the console or an earlier start of the agent; stored only for its sequence number."""

    event: Event
    copy: bool


@dataclass(frozen=True)
class IncidentChange:
    """A new state of an existing incident. closed: when it ended on the board, None while it lasts."""

    incident_id: int
    state: str
    closed: float | None


@dataclass(frozen=True)
class NotedTransition:
    """noted: when the host evaluated it. needs_message: a message must report it."""

    transition: Transition
    noted: float
    needs_message: bool


@dataclass
class BoardRows:
    """The rows of one board, each kind in the order in which it came.

    A snapshot comes as a Snapshot, or as a VectorRow or within a Segment, which costs less.
    """

    boots: list[Boot] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    vectors: list[VectorRow] = field(default_factory=list)
    segments: dict[str, list[Segment]] = field(default_factory=dict)  # by boot id
    events: list[StoredEvent] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    ends: list[BootEnd] = field(default_factory=list)
    console: list[ConsoleLine] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)  # new ones, with their ids
    incident_changes: list[IncidentChange] = field(default_factory=list)
    transitions: list[NotedTransition] = field(default_factory=list)
    rule_states: dict[tuple[str, str | None], RuleState] = field(default_factory=dict)  # by (rule, need)
    retimes: list[Retime] = field(default_factory=list)  # applied after all other rows are written
    heard_boottime_s: float | None = None  # when its newest snapshot came, by this machine's CLOCK_BOOTTIME
    passed: dict[str, int] = field(default_factory=dict)  # boots that are no longer judged -> last frame judged
    forecasts: dict[str, NeedForecast] = field(default_factory=dict)  # by need
    margins: dict[str, MarginRecord] = field(default_factory=dict)  # by need
    judged: tuple[str, int] | None = None  # (boot id, sequence number) of the last frame judged

    def __len__(self) -> int:
        data = len(self.boots) + self.snapshot_count + len(self.events) + len(self.gaps)
        data += len(self.console) + len(self.ends)
        changes = len(self.incidents) + len(self.incident_changes) + len(self.transitions) + len(self.rule_states)
        return data + changes + len(self.retimes) + len(self.forecasts) + len(self.margins)

    @property
    def snapshot_count(self) -> int:
        in_segments = sum([segment.samples for of_boot in self.segments.values() for segment in of_boot])
        return len(self.snapshots) + len(self.vectors) + in_segments

    @property
    def can_wait(self) -> bool:
        """True if there is nothing but snapshots, what is computed from each of them, and console text."""
        changes = self.incidents or self.incident_changes or self.transitions
        return not (self.boots or self.events or self.gaps or self.ends or self.retimes or self.passed or changes)

    def extend(self, later: BoardRows) -> None:
        """Append rows that came later."""
        self.boots += later.boots
        self.snapshots += later.snapshots
        self.vectors += later.vectors
        for boot_id, segments in later.segments.items():
            self.segments.setdefault(boot_id, []).extend(segments)
        self.events += later.events
        self.gaps += later.gaps
        self.ends += later.ends
        self.console += later.console
        self.incidents += later.incidents
        self.incident_changes += later.incident_changes
        self.transitions += later.transitions
        self.rule_states |= later.rule_states
        self.retimes += later.retimes
        self.heard_boottime_s = later.heard_boottime_s or self.heard_boottime_s
        self.passed |= later.passed
        self.forecasts |= later.forecasts
        self.margins |= later.margins
        self.judged = later.judged or self.judged


@dataclass(frozen=True)
class LinkChange:
    """A link of a board went up or down. time: seconds since 1970."""

    board: str
    url: str
    is_up: bool
    time: float


@dataclass(frozen=True)
class StoredHealth:
    """How well a link of a board carries data."""

    board: str
    url: str
    health: LinkHealth


@dataclass(frozen=True)
class MovedBoot:
    """A boot stored under the wrong board, which moves to another one. url: of the link over which it is heard."""

    board: str
    boot_id: str
    url: str
    to: str


@dataclass
class Removal:
    """Remove what is stored of a board. before: only what is older, seconds since 1970; None: everything.

    problem: why that cannot be done, None if it was.
    """

    board: str
    before: float | None
    problem: str | None = None


class Batch:
    """Rows by board. links, healths: changes of links. urls: of all links in use; None: unchanged.

    unheard: changes of the links over which no board was heard, by URL; None: a board was.
    moves: boots that move to another board once all rows are written. removals: done after everything else.
    """

    def __init__(self) -> None:
        self.boards: dict[str, BoardRows] = {}
        self.links: list[LinkChange] = []
        self.healths: list[StoredHealth] = []
        self.unheard: dict[str, UnheardLink | None] = {}
        self.urls: list[str] | None = None
        self.moves: list[MovedBoot] = []
        self.removals: list[Removal] = []

    def __len__(self) -> int:
        """The number of rows."""
        return sum(map(len, self.boards.values())) + len(self.links) + len(self.healths) + len(self.unheard)

    def of(self, board: str) -> BoardRows:
        """The rows of a board; the caller adds to them."""
        rows = self.boards.get(board)
        if rows is None:
            rows = self.boards[board] = BoardRows()
        return rows

    def add(self, board: str, rows: BoardRows) -> None:
        """Append rows of a board; they belong to the batch from then on."""
        before = self.boards.setdefault(board, rows)
        if before is not rows:
            before.extend(rows)

    def holds(self, board: str) -> bool:
        """True if rows of the board are in it, or if the board is to be removed."""
        return board in self.boards or any(removal.board == board for removal in self.removals)

    def drop(self, board: str) -> None:
        """Remove a board's rows."""
        self.boards.pop(board, None)
