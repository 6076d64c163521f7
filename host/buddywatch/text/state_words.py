"""What a board's state means, in words: the same ones in `status`, `history` and the live view. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from buddyd import watermark

from buddywatch.model.forecasts import Forecast
from buddywatch.model.samples import Event, Snapshot
from buddywatch.model.verdicts import OOM_KILLER, BoardState, NeedState
from buddywatch.text.escape import one_line
from buddywatch.text.forecast_words import forecast_words
from buddywatch.text.units import format_bytes
from buddywatch.verdict.judge import serving_zones

UNKNOWN = "unknown"
VERDICT_WORDS = {watermark.OK: "OK", watermark.TIGHT: "tight", watermark.REFUSED: "FAILS", None: UNKNOWN}

_EXACT_BYTES = 100 << 20
_BLOCK = re.compile(r"(\d{1,12}) bytes (held|given back)")  # in what buddyd reports of its reserve

_MISSING_WORDS = {
    "kernel-log": "the kernel's log",
    "stat": "how many processes are started",
    "zoneinfo": "the watermarks",
    "meminfo": "total free and reclaimable memory",
    "uptime": "the kernel's uptime",
    "memory-zones": "zones that changed since buddyd started",
}


def size_words(size_bytes: int | None) -> str:
    """The exact size; from 100 MB on in whole megabytes, since nobody reads kilobytes there."""
    if size_bytes is None:
        return UNKNOWN
    return format_bytes(size_bytes) if size_bytes < _EXACT_BYTES else f"{size_bytes >> 20} MB"


def block_words(size_bytes: int | None) -> str:
    """The size of the largest block of some kind; 0: there is none."""
    return "none" if size_bytes == 0 else size_words(size_bytes)


def kernel_words(facts: Mapping[str, str]) -> str:
    """ "Linux 2.6.30-uc0, m68k, no MMU" from a hello's facts."""
    machine = facts.get("machine", "?")
    mmu = {"1": "no MMU", "0": "MMU"}.get(facts.get("nommu", "?"))
    parts = [f"Linux {facts.get('kernel', UNKNOWN)}", machine if machine not in ("?", "-") else None, mmu]
    return one_line(", ".join(part for part in parts if part))


def unknown_things(facts: Mapping[str, str]) -> list[str]:
    """What a board does not report, by its hello. Missing data never counts as good."""
    missing = [name for name in facts.get("missing", "-").split(",") if name not in ("", "-")]
    things = [_MISSING_WORDS.get(name, f"/proc/{name}") for name in missing]
    return things + (["what happens while the link is down"] if facts.get("ring") == "0" else [])


def unknown_words(facts: Mapping[str, str]) -> str:
    """ "not known: the kernel's log, ..."; "" where all is known."""
    things = unknown_things(facts)
    return one_line(f"not known: {', '.join(things)}") if things else ""


def reserve_of(facts: Mapping[str, str], events: Iterable[Event]) -> list[tuple[int, bool]]:
    """The blocks of `--reserve`: (bytes, still held). events: of the same boot, oldest first; a hello comes later."""
    blocks = [block.partition(":") for block in facts.get("reserve", "").split(",")]
    found = [(int(size), state == "held") for size, _, state in blocks if size.isdecimal()]
    for event in events:
        told = [(int(size), state == "held") for size, state in _BLOCK.findall(event.text)]
        if event.text.startswith("reserve: ") and len(told) >= len(found):  # or the line was cut off
            found = told[-len(found) :]
    return found


def reserve_words(blocks: Iterable[tuple[int, bool]]) -> str:
    """ "reserve: 64 kB held, 64 kB given back"; "" without one."""
    words = ", ".join(f"{size_words(size)} {'held' if is_held else 'given back'}" for size, is_held in blocks)
    return f"reserve: {words}" if words else ""


def memory_words(state: BoardState) -> str:
    """ "free 3284 kB, largest request that succeeds: 32 kB (largest free block: 64 kB)"."""
    words = (
        f"free {size_words(state.free_bytes)}, largest request that succeeds: {block_words(state.serviceable_bytes)}"
    )
    if state.largest_free_block_bytes == state.serviceable_bytes:
        return words
    return f"{words} (largest free block: {block_words(state.largest_free_block_bytes)})"


def need_title(need: NeedState, state: BoardState) -> str:
    """ "rm (needs a 64 kB block)"; the exact size where the page size is not known."""
    if need.order is None or state.page_bytes is None:
        return f"{one_line(need.name)} (needs {need.bytes} bytes)"
    size = format_bytes(state.page_bytes << need.order)
    return f"{one_line(need.name)} (needs {'an' if size.startswith('8') else 'a'} {size} block)"


def need_words(need: NeedState, snapshot: Snapshot | None, state: BoardState, forecast: Forecast | None = None) -> str:
    """ "FAILS: the largest usable block is 32 kB": the verdict, why, and what a failure or the trend leads to."""
    ahead = "" if forecast is None or need.verdict == watermark.REFUSED else forecast_words(forecast)
    return _now_words(need, snapshot, state) + (f"; {ahead}" if ahead else "")


def _now_words(need: NeedState, snapshot: Snapshot | None, state: BoardState) -> str:
    word = VERDICT_WORDS[need.verdict]
    if need.verdict is None or need.margin_pages is None or state.page_bytes is None:
        return f"{word}: {why_unknown(state)}"
    margin, where = size_words(abs(need.margin_pages) * state.page_bytes), _where(need, snapshot, state)
    if need.verdict == watermark.TIGHT:
        return f"{word}: succeeds only after reclaim, {margin} to spare{where}"
    if need.verdict != watermark.REFUSED:
        return f"{word}, {margin} to spare{where}"
    then = "; the kernel kills a process for it (OOM killer)" if need.consequence == OOM_KILLER else ""
    return f"{word}: {_too_small(need, state) or f'short by {margin}{where}'}{then}"


def _too_small(need: NeedState, state: BoardState) -> str:
    """That every usable block is smaller than the need's; "" where that is not the reason."""
    usable_bytes = state.serviceable_bytes
    if need.order is None or state.page_bytes is None or usable_bytes is None:
        return ""
    if usable_bytes >= state.page_bytes << need.order:
        return ""
    return f"the largest usable block is {format_bytes(usable_bytes)}" if usable_bytes else "no block is usable"


def _where(need: NeedState, snapshot: Snapshot | None, state: BoardState) -> str:
    """Where the margin is smallest: " in blocks of 64 kB or larger", or in all free memory."""
    order = None if snapshot is None else _hardest_order(need, snapshot, state)
    if order is None or state.page_bytes is None:
        return ""
    return f" in blocks of {format_bytes(state.page_bytes << order)} or larger" if order else " in all free memory"


def _hardest_order(need: NeedState, snapshot: Snapshot, state: BoardState) -> int | None:
    """The order whose test of the kernel's rule leaves the smallest margin: it may be smaller than the need's own."""
    if need.order is None or state.rule is None:
        return None
    for taken_pages in (0, watermark.EXEC_PAGES):  # a NeedState does not show whether it is an exec
        for zone in serving_zones(snapshot):
            nr_free = watermark.take_pages(zone.nr_free, taken_pages)
            mark, reserve, beside = zone.min_pages, zone.reserve_pages, zone.beside_pages
            tests = watermark.trace(nr_free, need.order, mark, reserve, state.rule, zone.min_pages, beside)
            margin_pages, order = min((held - demanded, -order) for order, held, demanded in tests)
            if margin_pages == need.margin_pages:
                return -int(order)
    return None


def why_unknown(state: BoardState) -> str:
    """Why no verdict is possible, and what to do about it."""
    if state.page_bytes is None:
        return "the board's page size is not known; set page_bytes in its [[board]]"
    if state.rule is None:
        return "no rule is known for this kernel release; set rule in its [[board]]"
    return "the board has no watermarks (/proc/zoneinfo)"
