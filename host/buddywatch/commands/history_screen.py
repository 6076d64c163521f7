"""A board's history on a terminal: as wide as it is, with units and a legend, and no more than fits unless asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from buddywatch.model.samples import Boot, Event, Gap
from buddywatch.model.verdicts import NeedState
from buddywatch.protocol.layout import Layout, ZoneLayout
from buddywatch.store.buckets import NeedSpread, Step, in_steps
from buddywatch.store.timeline import History, Item, Row
from buddywatch.terminal.style import BOLD, CYAN, DIM, GREEN, PLAIN, RED, YELLOW, Line, Piece, Style, painted
from buddywatch.text.escape import escaped, one_line
from buddywatch.text.gap_words import gap_words
from buddywatch.text.state_words import VERDICT_WORDS, kernel_words
from buddywatch.text.units import brief_bytes, format_duration

_TIME, _NUMBER, _NEED, _BLOCKS = 14, 7, 12, 5  # columns
_HEAD_LINES = 3  # heading, legend, and what is left out
_COLOURS = {"OK": GREEN, "tight": YELLOW, "FAILS": RED}


def lines(history: History, step_s: int | None, width: int, style: Style) -> Iterator[str]:
    """The legend, the heading, and a line for each thing that happened."""
    table = _Table(history, step_s, width)
    yield from (painted(line, width, style) for line in table.head())
    items: Iterable[Item | Step] = history.items() if step_s is None else in_steps(history.pieces(step_s), step_s)
    for item in items:
        yield painted(table.line(item), width, style)


def newest(found: Iterator[str], rows: int) -> Iterator[str]:
    """The legend, the heading, and so many of the newest lines that all fits; a word on what is left out."""
    head = [line for _, line in zip(range(_HEAD_LINES - 1), found, strict=False)]
    room = max(1, rows - _HEAD_LINES - 1)
    kept: deque[str] = deque(found, room + 1)
    yield from head
    if len(kept) > room:
        kept.popleft()
        yield "... there is more before: --all, or --step 1h for less of it"
    yield from kept or ["no data is stored for that time"]


class _Table:
    """step_s: None for snapshots."""

    def __init__(self, history: History, step_s: int | None, width: int) -> None:
        self._step_s = step_s
        self._needs = history.need_names()
        boot = next(reversed(history.boots.values()), None)
        self._page_bytes = history.page_bytes
        orders = max((zone.orders for zone in _zones(boot)), default=0)
        fixed = _TIME + 2 * (_NUMBER + 1) + len(self._needs) * (_NEED + 2) + 1
        room = max(0, (width - fixed) // _BLOCKS) if step_s is None else 0
        highest = min(orders, max(history.orders.values(), default=orders) + 2)
        self._orders = range(max(0, highest - room), highest)  # those that the needs take, and one larger

    def head(self) -> list[Line]:
        names = [f"{one_line(name, _NEED):<{_NEED}}" for name in self._needs]
        time = "time" if self._step_s is None else f"{format_duration(self._step_s)} from"
        sizes = "".join(f"{self._size(order):>{_BLOCKS}}" for order in self._orders)
        words = "least of each step: free, usable, pages to spare (+n) or missing (-n)"
        if self._step_s is None:
            words = "usable: largest that succeeds; +n/-n: pages to spare/missing; then free blocks"
        heading = _row(time, "free", "usable") + "".join(f"  {name}" for name in names) + sizes
        return [[(words, DIM)], [(heading, BOLD)]]

    def line(self, item: Item | Step) -> Line:
        if isinstance(item, Row):
            state, blocks = item.state, self._blocks(item)
            needs = [_need(need) for need in state.needs]
            text = _row(_clock(item.snapshot.time), brief_bytes(state.free_bytes), brief_bytes(state.serviceable_bytes))
            return [(text, PLAIN), *_spaced(needs), (blocks, PLAIN)]
        if isinstance(item, Step):
            free, usable = brief_bytes(item.free_bytes.least), brief_bytes(item.serviceable_bytes.least)
            return [(_row(_clock(item.time), free, usable), PLAIN), *_spaced(map(_worst, item.needs.values()))]
        return _note(item)

    def _size(self, order: int) -> str:
        return f"#{order}" if self._page_bytes is None else brief_bytes(self._page_bytes << order)

    def _blocks(self, row: Row) -> str:
        """The free blocks of all zones together."""
        zones = [zone.nr_free for zone in row.snapshot.zones]
        counts = [sum(blocks[order] for blocks in zones if order < len(blocks)) for order in self._orders]
        return "".join(f"{count:>{_BLOCKS}}" for count in counts)


def _zones(boot: Boot | None) -> tuple[ZoneLayout, ...]:
    try:
        return Layout(boot.facts).zones if boot is not None else ()
    except ValueError:  # an unusable hello: no snapshot of that boot was stored
        return ()


def _row(time: str, free: str, usable: str) -> str:
    return f"{time:<{_TIME}} {free:>{_NUMBER}} {usable:>{_NUMBER}}"


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%m-%d %H:%M:%S")


def _spaced(needs: Iterable[Piece]) -> Iterator[Piece]:
    for text, colour in needs:
        yield "  ", PLAIN
        yield f"{text[:_NEED]:<{_NEED}}", colour


def _need(need: NeedState) -> Piece:
    word = VERDICT_WORDS[need.verdict]
    return word if need.margin_pages is None else f"{word} {need.margin_pages:+d}", _COLOURS.get(word, PLAIN)


def _worst(need: NeedSpread) -> Piece:
    word, least = VERDICT_WORDS[need.verdict], need.margin_pages.least
    return word if least is None else f"{word} {least:+d}", _COLOURS.get(word, PLAIN)


def _note(item: Boot | Gap | Event) -> Line:
    if isinstance(item, Boot):
        words = f"boot {escaped(item.boot_id)} ({escaped(item.cause)}): {kernel_words(item.facts)}"
        return [(f"{_clock(item.started)} {words}", CYAN)]
    if isinstance(item, Gap):
        return [(f"{'':<{_TIME}} gap: {gap_words(item)}", YELLOW)]
    return [(f"{_clock(item.time)} {escaped(item.text)}", PLAIN)]
