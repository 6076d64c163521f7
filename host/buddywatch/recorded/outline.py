"""The lives of a recording and when they were, from a first pass over it. No I/O.

A recording without dates ended when its file was last written; readings without dates before dated ones ended when
those began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from buddywatch.kernel_text.page_size import page_kb_by
from buddywatch.protocol.layout import pages
from buddywatch.recorded.lives import InLife, Shape
from buddywatch.recorded.numbers import whole
from buddywatch.recorded.pieces import Flags, KernelLine, KnownFact, Reading

STEPS_LOOKED_AT = 32  # for the interval: a log that grows must keep it
READINGS_FOR_PAGE_SIZE = 8
_DEFAULT_INTERVAL_S = 60.0  # of a recording with one reading


@dataclass
class Life:
    """One life, as a first pass shows it. started: the time of uptime 0; see dated().

    first_s, last_s: of the readings; by date where there are dates, else by uptime.
    """

    number: int
    cause: str
    shape: Shape
    facts: dict[str, str] = field(default_factory=dict)
    first: Reading | None = None
    readings: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    first_line_s: float | None = None  # the date of the first kernel line
    started: float = 0.0
    steps_s: list[float] = field(default_factory=list)
    page_bytes: int | None = None

    @property
    def interval_s(self) -> float:
        """The usual time between two of the first readings."""
        from statistics import median  # loads the decimal numbers

        return median(self.steps_s) if self.steps_s else _DEFAULT_INTERVAL_S

    @property
    def boot_id(self) -> str:
        """The same however often the recording is read, also after it has grown."""
        first = None if self.first is None else replace(self.first, line=0)
        what = f"{self.number} {first} {self.first_line_s if first is None else ''}"
        return sha256(what.encode()).hexdigest()[:8]


def outline(placed: Iterable[InLife], flags: Flags, ended: float) -> list[Life]:
    """The lives of a recording that ended at that time, seconds since 1970."""
    lives: list[Life] = []
    facts: dict[str, str] = {}
    for of_life in placed:
        if not lives or lives[-1].number != of_life.life:
            lives.append(Life(of_life.life, of_life.cause, of_life.shape))
        life, piece = lives[-1], of_life.piece
        if isinstance(piece, Reading):
            _take_reading(life, piece, flags)
        elif isinstance(piece, KnownFact):
            facts[piece.key] = piece.value
        elif isinstance(piece, KernelLine) and piece.time is not None and life.first_line_s is None:
            life.first_line_s = piece.time
        elif isinstance(piece, KernelLine) and life.first is None:
            life.last_s = max(life.last_s, (piece.uptime_ms or 0) / 1000)
        life.facts = {**facts, **life.facts}
    for life in lives:
        life.page_bytes = flags.page_bytes or life.page_bytes or whole(life.facts.get("page_bytes", ""))
    _date(lives, ended)
    return lives


def _take_reading(life: Life, reading: Reading, flags: Flags) -> None:
    now_s = reading_s(life, reading, flags, life.readings)
    if life.first is None:
        life.first, life.first_s = reading, now_s
    elif len(life.steps_s) < STEPS_LOOKED_AT:
        life.steps_s.append(max(0.0, now_s - life.last_s))
    if life.page_bytes is None and life.readings < READINGS_FOR_PAGE_SIZE:
        in_blocks = sum(pages(zone.nr_free) for zone in reading.zones)
        page_kb = page_kb_by(reading.free_kb, in_blocks)
        life.page_bytes = None if page_kb is None else page_kb * 1024
    life.last_s = max(life.last_s, now_s)
    life.readings += 1


def reading_s(life: Life, reading: Reading, flags: Flags, number: int) -> float:
    """When a life's reading was made: its date where it has one, else its uptime. number: of readings before it."""
    if reading.time is not None:
        return reading.time
    if flags.interval_s is not None:
        first = life.first or reading
        return (first.uptime_ms or 0) / 1000 + number * flags.interval_s
    return (reading.uptime_ms or 0) / 1000


def _date(lives: list[Life], ended: float) -> None:
    for life in reversed(lives):
        if life.first is not None and life.first.time is not None:
            life.started = life.first.time - (life.first.uptime_ms or 0) / 1000
            ended = life.first.time - life.interval_s
        elif life.first is None and life.first_line_s is not None:
            life.started = ended = life.first_line_s
        else:
            life.started = ended - life.last_s
            ended = life.started + life.first_s - life.interval_s
