"""What the numbers of a board's snapshots mean, as its hello says; from a frame's vector to a Snapshot and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from buddywatch.model.samples import MarkedBlocks, Snapshot, Zone
from buddywatch.protocol.bounds import FRAMES_MAX, INTERVAL_MAX_CS, UPTIME_MAX_CS, WHOLE_MAX, whole_number

COLUMNS = ("up", "proc", "free", "recl", "slab", "file")  # those that are used; others of a later agent are kept
COLUMNS_MAX = 32
MARKS = 4  # min, low, high, reserve
ZONES_MAX = 1024  # more than the nodes and zones of any machine
ORDERS_MAX = 64
# The largest value of a fact whose number is used as a time or a frame; of any other it is WHOLE_MAX.
MOST = {
    "up": UPTIME_MAX_CS, "interval_cs": INTERVAL_MAX_CS, "oldest": FRAMES_MAX, "next": FRAMES_MAX, "key": FRAMES_MAX,
}  # fmt: skip
_NAMED, _LAYOUTS_MAX = ("cols", "zones", "interval_cs", "smp"), 256
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,15}")
_NONE: tuple[None, None, None, None] = (None, None, None, None)


@dataclass(frozen=True)
class ZoneLayout:
    """One zone: its part of the vector is its marks, if it has any, then nr_free of each order."""

    node: int
    name: str
    orders: int
    has_marks: bool


class Layout:
    """columns: names of the vector's first numbers. width: length of the vector. interval_cs: time between polls."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        """The layout in a hello's facts (cols, zones, z0..., interval_cs); ValueError (one line) if they do not fit."""
        self.columns = tuple(_fact(facts, "cols").split(","))
        fits = len(set(self.columns)) == len(self.columns) <= COLUMNS_MAX and all(map(_COLUMN.fullmatch, self.columns))
        if not fits or self.columns[0] != "up":
            raise ValueError(f"hello with cols={facts['cols'][:60]!r}: expected up, {', '.join(COLUMNS[1:])}")
        count = whole(facts, "zones")
        if count > ZONES_MAX:
            raise ValueError(f"hello with {count} zones: expected at most {ZONES_MAX}")
        self.zones = tuple(_zone(facts, f"z{i}") for i in range(count))
        self.width = len(self.columns) + sum(zone.orders + MARKS * zone.has_marks for zone in self.zones)
        self.interval_cs = whole(facts, "interval_cs")
        self.head = len(self.columns)  # where the zones begin
        self._at = {name: at for at, name in enumerate(self.columns)}
        # The column of the pages that the kernel counts beside the blocks; None: they decide nothing. On SMP kernels
        # each processor holds back changes of the counter. `free` is the sum of all zones, so there must be only one.
        self.beside_at = self._at.get("free") if facts.get("smp") == "1" and count == 1 else None
        # Of each zone: its name, whether it has marks, and where its blocks begin and end.
        self.blocks_at = [*self._find_blocks()]
        # With no number above this one, all blocks together have fewer pages than WHOLE_MAX.
        self._surely_few = (WHOLE_MAX - 1) // max(1, sum(1 << zone.orders for zone in self.zones))

    def _find_blocks(self) -> Iterator[tuple[str, bool, int, int]]:
        at = self.head
        for zone in self.zones:
            at += MARKS * zone.has_marks
            yield zone.name, zone.has_marks, at, at + zone.orders
            at += zone.orders

    def snapshot(self, boot_id: str, first_seq: int, seq: int, vector: Sequence[int], time: float) -> WireSnapshot:
        """The snapshot that a vector stands for; ValueError if the vector has another width or impossible numbers.

        It keeps the vector, which must not be changed any more.
        """
        if not self.surely_fits(vector):
            self._check(vector)
        return WireSnapshot(self, boot_id, first_seq, seq, time, vector)

    def surely_fits(self, vector: Sequence[int]) -> bool:
        """True if snapshot() would accept it, by a quick test; False: it may accept it all the same."""
        return len(vector) == self.width and min(vector) >= 0 and max(vector) <= self._surely_few

    def zones_of(self, vector: Sequence[int]) -> tuple[Zone, ...]:
        """The zones in a vector."""
        zones, at, beside_pages = [], self.head, self.beside(vector)
        for zone in self.zones:
            least, low, high, reserve = vector[at : at + MARKS] if zone.has_marks else _NONE
            at += MARKS * zone.has_marks
            nr_free = tuple(vector[at : at + zone.orders])
            zones.append(Zone(zone.node, zone.name, nr_free, least, low, high, reserve, beside_pages))
            at += zone.orders
        return tuple(zones)

    def marked_blocks(self, vector: Sequence[int]) -> list[MarkedBlocks]:
        """The zones in a vector, as Snapshot.marked_blocks gives them."""
        beside_pages = self.beside(vector)
        return [
            (name, vector[at:end], vector[at - 4], vector[at - 3], vector[at - 1], beside_pages)
            if has_marks
            else (name, vector[at:end], None, None, None, beside_pages)
            for name, has_marks, at, end in self.blocks_at
        ]

    def beside(self, vector: Sequence[int]) -> int:
        """Zone.beside_pages, in a vector."""
        return 0 if self.beside_at is None else vector[self.beside_at]

    def value(self, vector: Sequence[int], column: str) -> int | None:
        """A named number of a vector; None if the board does not send it."""
        at = self._at.get(column)
        return None if at is None else vector[at]

    def vector(self, snapshot: Snapshot) -> list[int]:
        """The vector of a snapshot of this layout; ValueError if the snapshot is of another one."""
        if isinstance(snapshot, WireSnapshot) and snapshot.is_of(self):
            return list(snapshot.vector)
        free_pages = snapshot.free_pages
        if free_pages is not None:
            free_pages -= sum(pages(zone.nr_free) for zone in snapshot.zones)
        values = {
            "up": snapshot.uptime_ms // 10, "proc": snapshot.processes, "free": free_pages,
            "recl": snapshot.reclaimable_pages, "slab": snapshot.slab_pages, "file": snapshot.file_pages,
        }  # fmt: skip
        numbers = [values.get(name) for name in self.columns]
        for zone, of in zip(snapshot.zones, self.zones, strict=False):
            if of.has_marks:
                numbers += (zone.min_pages, zone.low_pages, zone.high_pages, zone.reserve_pages)
            numbers += zone.nr_free
        vector = [number for number in numbers if number is not None]
        if len(vector) != self.width or len(snapshot.zones) != len(self.zones):
            raise ValueError(f"snapshot {snapshot.seq} has {len(vector)} numbers, expected {self.width}")
        return vector

    def _check(self, vector: Sequence[int]) -> None:
        if len(vector) != self.width:
            raise ValueError(f"vector of {len(vector)} numbers, expected {self.width}")
        if max(vector) >= WHOLE_MAX or min(vector) <= -WHOLE_MAX:
            raise ValueError("a number too large to be one")
        # "free" alone may be negative: MemFree is counted per processor and summed a little later than the free lists
        if any(number < 0 for i, number in enumerate(vector) if i != self._at.get("free", -1)):
            raise ValueError(f"vector with a negative number: {list(vector)}")
        in_blocks = sum(pages(zone.nr_free) for zone in self.zones_of(vector))
        if in_blocks >= WHOLE_MAX:
            raise ValueError(f"{in_blocks} free pages: no machine has so many")


class WireSnapshot(Snapshot):
    """A snapshot whose numbers stay the vector of the wire; what is asked for is taken from it then.

    vector: in the order of the boot's layout. body: of its frame, if that is the only one and holds what the vector
    differs in from that of the frame before; else None.
    """

    __slots__ = ("_layout", "_zones", "body", "vector")

    def __init__(
        self, layout: Layout, boot_id: str, first_seq: int, seq: int, time: float, vector: Sequence[int]
    ) -> None:
        self.boot_id = boot_id
        self.first_seq = first_seq
        self.seq = seq
        self.time = time
        self.uptime_ms = vector[0] * 10
        self.vector = vector
        self.body: bytes | None = None
        self._layout = layout
        self._zones: tuple[Zone, ...] | None = None

    @property
    def interval_cs(self) -> int:
        return self._layout.interval_cs

    @property
    def blocks(self) -> Sequence[object]:
        vector, layout = self.vector, self._layout
        of_zones = vector[layout.head :]
        return of_zones if layout.beside_at is None else [layout.beside(vector), *of_zones]

    @property
    def zones(self) -> tuple[Zone, ...]:  # type: ignore[override]
        if self._zones is None:
            self._zones = self._layout.zones_of(self.vector)
        return self._zones

    @property
    def marked_blocks(self) -> list[MarkedBlocks]:
        return self._layout.marked_blocks(self.vector)

    @property
    def processes(self) -> int | None:  # type: ignore[override]
        return self._layout.value(self.vector, "proc")

    @property
    def free_pages(self) -> int | None:  # type: ignore[override]
        beside_blocks = self._layout.value(self.vector, "free")
        return None if beside_blocks is None else beside_blocks + sum(pages(zone.nr_free) for zone in self.zones)

    @property
    def reclaimable_pages(self) -> int | None:  # type: ignore[override]
        return self._layout.value(self.vector, "recl")

    @property
    def slab_pages(self) -> int | None:  # type: ignore[override]
        return self._layout.value(self.vector, "slab")

    @property
    def file_pages(self) -> int | None:  # type: ignore[override]
        return self._layout.value(self.vector, "file")

    def is_of(self, layout: Layout) -> bool:
        """Whether its vector is in the order of this layout."""
        mine = self._layout
        return mine is layout or (mine.columns, mine.zones, mine.beside_at) == (
            layout.columns,
            layout.zones,
            layout.beside_at,
        )


def layout_of(facts: Mapping[str, str]) -> Layout:
    """Layout(facts); most boards of a fleet have the same."""
    named = tuple(facts.get(name) for name in _NAMED)
    return _layout(named, tuple(facts.get(f"z{at}") for at in range(_zone_count(facts.get("zones", "")))))


@lru_cache(maxsize=_LAYOUTS_MAX)
def _layout(named: tuple[str | None, ...], zones: tuple[str | None, ...]) -> Layout:
    facts = {**dict(zip(_NAMED, named, strict=True)), **{f"z{at}": zone for at, zone in enumerate(zones)}}
    return Layout({name: text for name, text in facts.items() if text is not None})


def _zone_count(text: str) -> int:
    return min(whole_number(text, WHOLE_MAX) or 0, ZONES_MAX)


def pages(nr_free: Sequence[int]) -> int:
    """Pages in nr_free blocks of each order."""
    return sum([count << order for order, count in enumerate(nr_free)])


def whole(facts: Mapping[str, str], key: str) -> int:
    """A fact that is a whole number, not negative; ValueError (one line) if it is missing or something else."""
    text, most = _fact(facts, key), MOST.get(key, WHOLE_MAX)
    number = whole_number(text, most)
    if number is None:
        raise ValueError(f"hello with {key}={text[:40]!r}: expected a whole number, at most {most}")
    return number


def _fact(facts: Mapping[str, str], key: str) -> str:
    if key not in facts:
        raise ValueError(f"hello without {key}=")
    return facts[key]


def _zone(facts: Mapping[str, str], key: str) -> ZoneLayout:
    """A zone's fact: NODE/NAME/ORDERS/MIN/LOW/HIGH/RESERVE, the last four `-` where they are unknown."""
    fields = _fact(facts, key).split("/")
    numbers = [whole_number(text) for text in fields[:1] + fields[2:] if text != "-"]
    if len(fields) != 7 or not fields[1] or None in numbers:
        raise ValueError(f"hello with {key}={facts[key][:60]!r}: expected NODE/NAME/ORDERS/MIN/LOW/HIGH/RESERVE")
    marks = [text for text in fields[3:] if text != "-"]
    if "-" in (fields[0], fields[2]) or len(marks) not in (0, MARKS) or not 0 < int(fields[2]) <= ORDERS_MAX:
        raise ValueError(f"hello with {key}={facts[key][:60]!r}: expected 1 to {ORDERS_MAX} orders, all marks or none")
    return ZoneLayout(int(fields[0]), fields[1], int(fields[2]), bool(marks))
