"""A board's history as a table, in local time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from buddywatch.model.samples import Boot, Event, Gap
from buddywatch.model.verdicts import NeedState
from buddywatch.store.buckets import NeedSpread, Spread, Step, in_steps
from buddywatch.store.timeline import History, Item, Row
from buddywatch.text.escape import escaped, local_day_time, local_time, one_line
from buddywatch.text.gap_words import gap_words
from buddywatch.text.state_words import UNKNOWN, VERDICT_WORDS, kernel_words
from buddywatch.text.units import format_duration

_NEED_WIDTH = 14
_TIME_WIDTH = 19
_STEP_WIDTH = 20


def lines(history: History, step_s: int | None) -> Iterator[str]:
    needs = [one_line(name, _NEED_WIDTH) for name in history.need_names()]
    items: Iterable[Item | Step]
    if step_s is None:
        blocks = "free blocks of 1, 2, 4, 8 ... pages"
        heading = _row("time", "seq", "free kB", "usable kB", needs, blocks)
        items = history.items()
    else:
        heading = _step_row(f"in {format_duration(step_s)} from", "samples", "free kB min/mean/max", "usable kB", needs)
        items = in_steps(history.pieces(step_s), step_s)
    empty, shown_step_s = True, step_s
    for item in items:
        if empty:
            yield heading
            yield from _removed(history) if step_s is None else ()
            empty = False
        if isinstance(item, Step) and item.step_s != shown_step_s:
            shown_step_s = item.step_s
            yield f"-- from here on in steps of {format_duration(item.step_s)}{_coarser(item, step_s)}"
        yield _line(item)
    if empty:
        yield "no data is stored for that time"
        yield from _removed(history) if step_s is None else ()


def _removed(history: History) -> Iterator[str]:
    until = history.removed_until()
    if until is not None:
        yield f"-- of snapshots up to {local_day_time(until)} only summaries are kept: `--step 1d` or less shows them"


def _coarser(step: Step, step_s: int | None) -> str:
    return "" if step.step_s == step_s else ": what is older than keep_raw is kept in no other"


def _line(item: Boot | Row | Step | Gap | Event) -> str:
    if isinstance(item, Boot):
        started = f"started {local_time(item.started)} ({escaped(item.cause)})"
        return f"-- boot {escaped(item.boot_id)}: {kernel_words(item.facts)}, {started}"
    if isinstance(item, Gap):
        return f"-- gap in boot {escaped(item.boot_id)}: {gap_words(item)}"
    if isinstance(item, Event):
        return f"-- {local_day_time(item.time)} {escaped(item.text)}"
    return _row_line(item) if isinstance(item, Row) else _step_line(item)


def _row_line(row: Row) -> str:
    snapshot, state = row.snapshot, row.state
    blocks = [" ".join(map(str, zone.nr_free)) for zone in snapshot.zones]
    if len(blocks) > 1:
        blocks = [f"{escaped(zone.name)} {text}" for zone, text in zip(snapshot.zones, blocks, strict=True)]
    needs = [_verdict(need) for need in state.needs]
    free, largest = _kb(state.free_bytes), _kb(state.serviceable_bytes)
    return _row(local_day_time(snapshot.time), str(snapshot.seq), free, largest, needs, "; ".join(blocks))


def _row(time: str, seq: str, free: str, largest: str, needs: list[str], blocks: str) -> str:
    columns = [f"{time:<{_TIME_WIDTH}}", f"{seq:>7}", f"{free:>8}", f"{largest:>12}"]
    return "  ".join([*columns, *(f"{need:<{_NEED_WIDTH}}" for need in needs), blocks]).rstrip()


def _step_line(step: Step) -> str:
    needs = [_worst(need) for need in step.needs.values()]
    free, largest = _kb_spread(step.free_bytes), _kb_spread(step.serviceable_bytes)
    return _step_row(local_day_time(step.time), str(step.samples), free, largest, needs)


def _step_row(time: str, samples: str, free: str, largest: str, needs: list[str]) -> str:
    columns = [f"{time:<{_TIME_WIDTH}}", f"{samples:>7}", f"{free:>{_STEP_WIDTH}}", f"{largest:>{_STEP_WIDTH}}"]
    return "  ".join([*columns, *(f"{need:<{_STEP_WIDTH}}" for need in needs)]).rstrip()


def _kb(size_bytes: int | None) -> str:
    return UNKNOWN if size_bytes is None else str(size_bytes // 1024)


def _verdict(need: NeedState) -> str:
    word = VERDICT_WORDS[need.verdict]
    return word if need.margin_pages is None else f"{word} {need.margin_pages:+d}"


def _worst(need: NeedSpread) -> str:
    word = VERDICT_WORDS[need.verdict]
    margin = need.margin_pages
    if margin.least is None:
        return word
    mean = margin.mean()
    if mean is None or margin.greatest is None:
        return f"{word} {margin.least:+d}/-/-"
    return f"{word} {margin.least:+d}/{mean:+.0f}/{margin.greatest:+d}"


def _kb_spread(spread: Spread) -> str:
    """Minimum/mean/maximum."""
    mean = spread.mean()
    if spread.least is None or mean is None or spread.greatest is None:
        return UNKNOWN
    return f"{spread.least // 1024}/{mean / 1024:.0f}/{spread.greatest // 1024}"
