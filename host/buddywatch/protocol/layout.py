"""What the numbers of a board's snapshots mean, as its hello says; from a frame's vector to a Snapshot and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from buddywatch.model.samples import Snapshot, Zone
from buddywatch.protocol.bounds import FRAMES_MAX, INTERVAL_MAX_CS, UPTIME_MAX_CS, WHOLE_MAX, whole_number

COLUMNS = ("up", "proc", "free", "recl", "slab")
MARKS = 4  # min, low, high, reserve
ZONES_MAX = 1024  # more than the nodes and zones of any machine
ORDERS_MAX = 64
# The largest value of a fact whose number is used as a time or a frame; of any other it is WHOLE_MAX.
MOST = {
    "up": UPTIME_MAX_CS, "interval_cs": INTERVAL_MAX_CS, "oldest": FRAMES_MAX, "next": FRAMES_MAX, "key": FRAMES_MAX,
}  # fmt: skip
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
        known = set(self.columns) <= set(COLUMNS) and len(set(self.columns)) == len(self.columns)
        if not known or self.columns[0] != "up":
            raise ValueError(f"hello with cols={facts['cols'][:60]!r}: expected up, {', '.join(COLUMNS[1:])}")
        count = whole(facts, "zones")
        if count > ZONES_MAX:
            raise ValueError(f"hello with {count} zones: expected at most {ZONES_MAX}")
        self.zones = tuple(_zone(facts, f"z{i}") for i in range(count))
        self.width = len(self.columns) + sum(zone.orders + MARKS * zone.has_marks for zone in self.zones)
        self.interval_cs = whole(facts, "interval_cs")

    def snapshot(self, boot_id: str, first_seq: int, seq: int, vector: Sequence[int], time: float) -> Snapshot:
        """The Snapshot that a vector stands for; ValueError if the vector has another width or impossible numbers."""
        self._check(vector)
        values = dict(zip(self.columns, vector, strict=False))
        free_pages = values.get("free")
        zones, at, in_blocks = [], len(self.columns), 0
        for zone in self.zones:
            marks: Sequence[int | None] = _NONE
            if zone.has_marks:
                marks = vector[at : at + MARKS]
                at += MARKS
            nr_free = tuple(vector[at : at + zone.orders])
            at += zone.orders
            in_blocks += pages(nr_free)
            zones.append(Zone(zone.node, zone.name, nr_free, *marks))
        if in_blocks >= WHOLE_MAX:
            raise ValueError(f"{in_blocks} free pages: no machine has so many")
        if free_pages is not None:
            free_pages += in_blocks
        return Snapshot(
            boot_id, first_seq, seq, time, vector[0] * 10, tuple(zones),
            values.get("proc"), free_pages, values.get("recl"), values.get("slab"),
        )  # fmt: skip

    def vector(self, snapshot: Snapshot) -> list[int]:
        """The vector of a snapshot of this layout; ValueError if the snapshot is of another one."""
        free_pages = snapshot.free_pages
        if free_pages is not None:
            free_pages -= sum(pages(zone.nr_free) for zone in snapshot.zones)
        values = {
            "up": snapshot.uptime_ms // 10, "proc": snapshot.processes, "free": free_pages,
            "recl": snapshot.reclaimable_pages, "slab": snapshot.slab_pages,
        }  # fmt: skip
        numbers = [values[name] for name in self.columns]
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
        if min(vector) < 0:
            # "free" alone may be: MemFree is counted per processor and summed a little later than the free lists
            free = self.columns.index("free") if "free" in self.columns else -1
            if any(number < 0 for i, number in enumerate(vector) if i != free):
                raise ValueError(f"vector with a negative number: {list(vector)}")


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
