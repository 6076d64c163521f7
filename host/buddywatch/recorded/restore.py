"""Makes boots, snapshots and events of a recording's pieces, with the outline of a first pass. No I/O.

Each snapshot and event gets the number that an agent would have given its frame, so that reading the same recording
again gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from buddyd import wire

from buddywatch.model.samples import Boot, Event, Snapshot, Zone
from buddywatch.recorded.lives import InLife
from buddywatch.recorded.outline import Life, reading_s
from buddywatch.recorded.pieces import Flags, KernelLine, Reading, RecordedError, Unreadable
from buddywatch.verdict.judge import is_serving

Restored = Boot | Snapshot | Event | Unreadable

_COLUMN_OF = {"proc": "processes", "free": "free_kb", "recl": "reclaimable_kb", "slab": "slab_kb"}


def restore(placed: Iterable[InLife], lives: list[Life], flags: Flags, board: str, source: str) -> Iterator[Restored]:
    """lives: of outline() over the same pieces. source: the name of the format."""
    by_number = {life.number: life for life in lives}
    current: _Restorer | None = None
    for of_life in placed:
        piece = of_life.piece
        if isinstance(piece, Unreadable):
            yield piece
        if not isinstance(piece, Reading | KernelLine):
            continue
        if current is None or current.life.number != of_life.life:
            current = _Restorer(by_number[of_life.life], flags)
            yield current.boot(board, source)
        yield current.snapshot(piece) if isinstance(piece, Reading) else current.event(piece)


class _Restorer:
    """Gives one life's pieces their times and numbers."""

    def __init__(self, life: Life, flags: Flags) -> None:
        self.life = life
        self._boot_id = life.boot_id
        self._flags = flags
        self._seq = 0
        self._readings = 0
        self._marks = _marks_of_flags(life, flags)
        self._has_uptime = life.shape.has_uptime or not life.shape.has_time
        self._last = (life.started, 0)  # time, uptime_ms of the newest reading
        self._columns = _columns(life)

    def boot(self, board: str, source: str) -> Boot:
        life = self.life
        facts = {"v": str(wire.VERSION), "name": board, "agent": "none", "impl": source.replace(" ", "-")}
        facts["interval_cs"] = str(max(1, round(life.interval_s * 100)))
        facts["kernel"] = self._flags.kernel or life.facts.get("kernel", "?")
        facts["machine"] = "?"
        facts["page_bytes"] = str(life.page_bytes or "?")
        facts["nommu"] = life.facts.get("nommu", "?")
        facts |= {"compaction": "?", "kboot": "-", "files": "?", "cols": ",".join(("up", *self._columns))}
        facts["zones"] = str(len(life.shape.zones))
        for number, (node, name, orders, _) in enumerate(life.shape.zones):
            marks = self._marks.get((node, name)) or _first_marks(life, node, name)
            written = "/".join(map(str, marks)) if marks else "-/-/-/-"
            facts[f"z{number}"] = f"{node}/{name}/{orders}/{written}"
        facts |= {"missing": "-", "ring": "0", "up": "0", "key": "0", "oldest": "1", "next": "1"}
        return Boot(life.boot_id, facts, life.started, life.cause)

    def snapshot(self, reading: Reading) -> Snapshot:
        time, uptime_ms = self._moment(reading)
        self._readings += 1
        self._seq += 1
        zones = tuple(self._marked(zone) for zone in reading.zones)
        free, reclaimable, slab = (
            self._pages(getattr(reading, _COLUMN_OF[column])) if column in self._columns else None
            for column in ("free", "recl", "slab")
        )
        processes = reading.processes if "proc" in self._columns else None
        return Snapshot(self._boot_id, self._seq, self._seq, time, uptime_ms, zones, processes, free, reclaimable, slab)

    def event(self, line: KernelLine) -> Event:
        self._seq += 1
        time, uptime_ms = self._moment_of_line(line)
        return Event(self._boot_id, self._seq, time, uptime_ms, line.kind, line.number, line.pid, line.comm, line.text)

    def _moment(self, reading: Reading) -> tuple[float, int]:
        """Time and uptime of a reading; a boot's times never fall, even if the machine's clock was set back."""
        life, (last_time, last_ms) = self.life, self._last
        at_s = reading_s(life, reading, self._flags, self._readings)
        if reading.time is None:
            uptime_ms = _in_cs(round(at_s * 1000))
            time = life.started + uptime_ms / 1000
        else:
            uptime_ms = reading.uptime_ms if reading.uptime_ms is not None else round((at_s - life.first_s) * 1000)
            time = at_s
        uptime_ms = _in_cs(uptime_ms)
        if self._readings:
            uptime_ms = max(uptime_ms, last_ms)
            time = time if time >= last_time else last_time + (uptime_ms - last_ms) / 1000
        self._last = (time, uptime_ms)
        return time, uptime_ms

    def _moment_of_line(self, line: KernelLine) -> tuple[float, int | None]:
        last_time, last_ms = self._last
        if line.time is not None:
            return line.time, line.uptime_ms if self._has_uptime else None
        if not self._has_uptime or line.uptime_ms is None:
            return last_time, None
        uptime_ms = line.uptime_ms
        if self._flags.interval_s is not None and not self.life.shape.has_time:
            uptime_ms = _first_ms(self.life) + round(self._readings * self._flags.interval_s * 1000)  # of the reading
        uptime_ms = _in_cs(uptime_ms)
        return last_time + (uptime_ms - last_ms) / 1000, uptime_ms

    def _marked(self, zone: Zone) -> Zone:
        marks = self._marks.get((zone.node, zone.name))
        if marks is None or zone.min_pages is not None:
            return zone
        return Zone(zone.node, zone.name, zone.nr_free, *marks)

    def _pages(self, kb: int | None) -> int | None:
        page_bytes = self.life.page_bytes
        return None if kb is None or page_bytes is None else kb * 1024 // page_bytes


def _first_ms(life: Life) -> int:
    return (life.first.uptime_ms if life.first else None) or 0


def _in_cs(uptime_ms: int) -> int:
    """An uptime as a board sends it, in whole centiseconds."""
    return uptime_ms // 10 * 10


def _columns(life: Life) -> tuple[str, ...]:
    """The columns besides `up` that all snapshots of a life have. Without a page size, kB are no pages."""
    known = life.shape.numbers
    return tuple(
        column for column, name in _COLUMN_OF.items() if name in known and (column == "proc" or life.page_bytes)
    )


def _first_marks(life: Life, node: int, name: str) -> tuple[int | None, ...]:
    zones = life.first.zones if life.first else ()
    found = next((zone for zone in zones if (zone.node, zone.name) == (node, name)), None)
    if found is None or found.min_pages is None:
        return ()
    return found.min_pages, found.low_pages, found.high_pages, found.reserve_pages


def _marks_of_flags(life: Life, flags: Flags) -> dict[tuple[int, str], tuple[int, int, int, int]]:
    """min, low, high and reserve of the zone that the flags are about; empty if the recording has the marks itself."""
    unmarked = [(node, name) for node, name, _, has_marks in life.shape.zones if not has_marks and is_serving(name)]
    if flags.min_kb is None or not unmarked:
        return {}
    if life.page_bytes is None:
        raise RecordedError("the page size is not known, so that --min-kb gives no pages: give --page-kb as well")
    if len(unmarked) > 1:
        names = ", ".join(name for _, name in unmarked)
        raise RecordedError(f"--min-kb is for one zone, and these have {names}: record /proc/zoneinfo as well")
    page_kb = life.page_bytes // 1024
    # setup_per_zone_wmarks() of mm/page_alloc.c: low and high are min and a quarter, min and a half
    low_kb = flags.low_kb if flags.low_kb is not None else flags.min_kb + flags.min_kb // 4
    high_kb = 2 * low_kb - flags.min_kb
    return {unmarked[0]: (flags.min_kb // page_kb, low_kb // page_kb, max(low_kb, high_kb) // page_kb, 0)}
