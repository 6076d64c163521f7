"""Roll-ups: plain rows for any SQL shell, of 15 minutes and of a day, made from summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from buddywatch.model.summaries import Range, Summary
from buddywatch.protocol.layout import Layout
from buddywatch.store import summary_format
from buddywatch.store.read import span_of
from buddywatch.store.rows import Span
from buddywatch.store.summaries import DAY_S, Block, IsEnough, SummaryStore, in_steps
from buddywatch.verdict.judge import page_bytes_of

_COLUMNS = (
    "r.step_s, r.time_ms, r.samples, r.free_bytes_min, r.free_bytes_mean, r.free_bytes_max, r.serviceable_bytes_min, "
    "r.serviceable_bytes_mean, r.serviceable_bytes_max, r.processes_started"
)
_WIDTH = 17  # of the table
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
        parts = self._parts(key, self._blocks(key, span, step_s), step_s)
        rows = [
            (key, step_s, 1000 * one.time, *_values(one, of_boot[1], page_bytes)) for one in in_steps(parts, step_s)
        ]
        self._run_many(f"INSERT OR REPLACE INTO rollups VALUES ({', '.join('?' * _WIDTH)})", rows)

    def forget_days(self, key: int, first_ms: int, last_ms: int) -> None:
        """Remove the roll-ups of the days that touch this time: what they say is no longer so."""
        day_ms = 1000 * DAY_S
        sql = "DELETE FROM rollups WHERE boot = ? AND step_s = ? AND time_ms BETWEEN ? AND ?"
        self._run(sql, (key, DAY_S, first_ms // day_ms * day_ms, last_ms))

    def _day_blocks(self, key: int, span: Span, step_s: int, is_enough: IsEnough = bool) -> Iterator[Block]:
        from_ms = span.since_ms
        for one in self._days(key, span, is_enough) if step_s % DAY_S == 0 else []:
            day_ms = 1000 * one.time
            if from_ms < day_ms:
                yield from self._blocks(key, Span(from_ms, day_ms), step_s, is_enough)
            yield [one], []
            from_ms = day_ms + 1000 * DAY_S
        if from_ms < span.until_ms:
            yield from self._blocks(key, Span(from_ms, span.until_ms), step_s, is_enough)

    def _days(self, key: int, span: Span, is_enough: IsEnough) -> list[Summary]:
        """The roll-ups of days that lie within the time, oldest first, without days that the journal has rows of.

        A chunk that is written makes those of its days anew; of the last day, which goes on, there is none.
        """
        day_ms = 1000 * DAY_S
        boot_id, _ = self._layouts[key]
        grown = {row[2] // day_ms for row in self.rows_of_all(key, self.segments_after(key))}
        sql = "SELECT summary FROM rollups WHERE boot = ? AND step_s = ? AND time_ms >= ? AND time_ms <= ?"
        rows = self._rows(sql, (key, DAY_S, span.since_ms, span.until_ms - day_ms))
        found = [one for (blob,) in rows for one in self._day_of(boot_id, blob)]
        return [one for one in found if one.time // DAY_S not in grown and is_enough(one)]

    @staticmethod
    def _day_of(boot_id: str, blob: bytes | None) -> list[Summary]:
        """None if it is damaged, or of a database in which there were no summaries of days: finer ones say the same."""
        try:
            return [] if blob is None else summary_format.decode(boot_id, blob)
        except ValueError:
            return []

    def _page_bytes(self, key: int) -> int | None:
        facts = self._facts(key)
        return None if facts is None else page_bytes_of(facts)


def _values(one: Summary, layout: Layout, page_bytes: int | None) -> tuple[str | bytes | int | None, ...]:
    started = None
    if "proc" in layout.columns:
        least, _, greatest = one.columns[layout.columns.index("proc") - 1]
        started = greatest - least
    details: tuple[str | bytes | None, ...] = (None,) * 4
    if one.step_s == DAY_S:  # for shorter steps they would take more than the snapshots do
        zones = one.columns[len(layout.columns) - 1 :]
        spread = [[least, round(total / one.samples, 1), greatest] for least, total, greatest in zones]
        details = (_json(spread), _json(one.held), _json(one.left), summary_format.encode([one]))
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
