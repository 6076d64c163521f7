"""Roll-ups: plain rows for any SQL shell, of 15 minutes and of a day, made from summaries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from buddywatch.model.summaries import Range, Summary
from buddywatch.protocol.layout import Layout
from buddywatch.store.read import span_of
from buddywatch.store.rows import Span
from buddywatch.store.summaries import SLOW_STEP_S, SummaryStore, in_steps
from buddywatch.verdict.judge import page_bytes_of

QUARTER_S, DAY_S = SLOW_STEP_S, 86_400
_COLUMNS = (
    "r.step_s, r.time_ms, r.samples, r.free_bytes_min, r.free_bytes_mean, r.free_bytes_max, r.serviceable_bytes_min, "
    "r.serviceable_bytes_mean, r.serviceable_bytes_max, r.processes_started"
)
_Three = tuple[int | None, int | None, int | None]


class Rollup(NamedTuple):
    """Minimum, mean and maximum of what is asked for most. None: not known."""

    step_s: int
    time_ms: int
    samples: int
    free_bytes_min: int | None
    free_bytes_mean: int | None
    free_bytes_max: int | None
    serviceable_bytes_min: int | None
    serviceable_bytes_mean: int | None
    serviceable_bytes_max: int | None
    processes_started: int | None


class RollupStore(SummaryStore):
    def rollups(self, board: str, step_s: int, since: float | None = None, until: float | None = None) -> list[Rollup]:
        """A board's rows of QUARTER_S, which are made when its snapshots are removed, or of DAY_S, made every day."""
        sql = f"""SELECT {_COLUMNS} FROM boots b JOIN rollups r ON r.boot = b.id
            WHERE b.board = ? AND r.step_s = ? AND r.time_ms >= ? AND r.time_ms < ? ORDER BY b.id, r.time_ms"""
        return [Rollup(*row) for row in self._rows(sql, (board, step_s, *span_of(since, until)))]

    def roll_up(self, key: int, step_s: int, first_ms: int, last_ms: int) -> None:
        """Make the rows of all steps of a boot that touch this time, anew if they are there."""
        step_ms = 1000 * step_s
        span = Span(first_ms // step_ms * step_ms, (last_ms // step_ms + 1) * step_ms)
        of_boot = self._layout(key)
        if of_boot is None:
            return
        page_bytes = self._page_bytes(key)
        rows = [
            (key, step_s, 1000 * one.time, *_values(one, of_boot[1], page_bytes))
            for one in in_steps(self._parts(key, span, step_s), step_s)
        ]
        places = ", ".join("?" * (3 + len(Rollup._fields) - 2 + 5))
        self._run_many(f"INSERT OR REPLACE INTO rollups VALUES ({places})", rows)

    def _page_bytes(self, key: int) -> int | None:
        facts = self._facts(key)
        return None if facts is None else page_bytes_of(facts)


def _values(one: Summary, layout: Layout, page_bytes: int | None) -> tuple[str | int | None, ...]:
    started = None
    if "proc" in layout.columns:
        least, _, greatest = one.columns[layout.columns.index("proc") - 1]
        started = greatest - least
    details: tuple[str | None, ...] = (None, None, None)
    if one.step_s == DAY_S:  # for shorter steps they would take more than the snapshots do
        zones = one.columns[len(layout.columns) - 1 :]
        spread = [[least, round(total / one.samples, 1), greatest] for least, total, greatest in zones]
        details = (_json(spread), _json(one.held), _json(one.left))
    return (
        one.samples,
        *_bytes(one.free_pages, one.samples, page_bytes),
        *_bytes(one.serviceable_pages, one.samples, page_bytes),
        started,
        one.first_seq,
        one.seq,
        *details,
    )


def _bytes(pages: Range | None, samples: int, page_bytes: int | None) -> _Three:
    if pages is None or page_bytes is None:
        return None, None, None
    least, total, greatest = pages
    return least * page_bytes, round(total * page_bytes / samples), greatest * page_bytes


def _json(numbers: Sequence[object]) -> str:
    return json.dumps(numbers, separators=(",", ":"))
