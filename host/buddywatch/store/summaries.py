"""Reads a board's summaries: those that chunks hold, and for the rest those of the snapshots themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import attrgetter

from buddywatch.model.batch import VectorRow
from buddywatch.model.samples import Snapshot
from buddywatch.model.summaries import Summary, merged
from buddywatch.protocol.layout import Layout
from buddywatch.store import summary_format
from buddywatch.store.database import StoreDamaged
from buddywatch.store.journal import END_SEQ, Row
from buddywatch.store.read import ReadStore, seconds, span_of
from buddywatch.store.rows import Chunk, Span, in_span, merged_rows
from buddywatch.store.summarize import summaries
from buddywatch.verdict.judge import rule_of

QUARTER_S, DAY_S = 900, 86_400
# Of the summaries in chunks. A summary takes 50 to 100 bytes, and so less than a byte for each of STEP_SAMPLES.
STEPS_S = (300, QUARTER_S, 3600, 7200, 21_600, DAY_S)
STEP_SAMPLES = 100


IsEnough = Callable[[Summary], bool]
# What is known of some frames of a boot: summaries, and rows beside them.
Block = tuple[list[Summary], list[Row]]


class SummaryStore(ReadStore):
    def summaries(
        self, board: str, since: float | None = None, until: float | None = None, step_s: int = QUARTER_S
    ) -> Iterator[Summary]:
        """One for each boot and step of time with snapshots in since <= time < until, oldest first.

        Snapshots whose rows are removed count with their summaries, if these lie within the time and fit the steps.
        """
        span = span_of(since, until)
        for (key,) in list(self._rows("SELECT id FROM boots WHERE board = ? ORDER BY id", (board,))):
            if self._layout(key) is not None:
                yield from in_steps(self._parts(key, self._day_blocks(key, span, step_s), step_s), step_s)

    def pieces(
        self, board: str, since: float | None, until: float | None, step_s: int, is_enough: IsEnough
    ) -> Iterator[Summary | Snapshot]:
        """All that is known of a board's snapshots in since <= time < until, in the order of its frames.

        Stored summaries where they fit into steps of step_s, and is_enough() is true; else the snapshots. Where these
        are removed: the summaries that lie within the time, of whatever step they are.
        """
        span = span_of(since, until)
        for (key,) in list(self._rows("SELECT id FROM boots WHERE board = ? ORDER BY id", (board,))):
            if self._layout(key) is None:
                continue
            for stored, rows in self._day_blocks(key, span, step_s, is_enough):
                known: list[Iterable[Summary | Snapshot]] = [stored, self._readable(key, rows)]
                yield from merge(*known, key=attrgetter("first_seq"))

    def removed_until(self, board: str, since: float | None, until: float | None) -> float | None:
        """The time of the newest of the board's snapshots in that time whose row was removed; None if all are kept."""
        sql = """SELECT max(c.last_ms) FROM boots b JOIN chunks c ON c.boot = b.id
            WHERE b.board = ? AND c.last_ms >= ? AND c.first_ms < ? AND c.body IS NULL"""
        (last_ms,) = self._row(sql, (board, *span_of(since, until))) or (None,)
        return None if last_ms is None else seconds(last_ms)

    def summarize(self, key: int, rows: Sequence[VectorRow], step_s: int | None = None) -> list[Summary]:
        """The summaries of readable rows of a boot. step_s: None: as chunks have it."""
        of_boot = self._layout(key)
        if of_boot is None or not rows:  # without rows the rule is not worth a look at the facts
            return []
        boot_id, layout = of_boot
        return list(summaries(boot_id, rows, layout, self._rule(key), step_s or summary_step_s(layout)))

    def _day_blocks(self, key: int, span: Span, step_s: int, is_enough: IsEnough = bool) -> Iterator[Block]:
        """The same as _blocks(); where whole days are asked for, their roll-ups are used. See RollupStore."""
        return self._blocks(key, span, step_s, is_enough)

    def _parts(self, key: int, blocks: Iterable[Block], step_s: int) -> Iterator[Summary]:
        """Summaries with any finer steps, oldest first; several may be of the same step."""
        for stored, rows in blocks:
            fitting = [one for one in stored if step_s % one.step_s == 0]
            yield from sorted(fitting + self._of_rows(key, rows, step_s), key=attrgetter("time", "first_seq"))

    def _blocks(self, key: int, span: Span, step_s: int, is_enough: IsEnough = bool) -> Iterator[Block]:
        """What is known of a boot's snapshots within the time, in the order of their frames.

        Stored summaries where they are exact: none of a chunk crosses an end of the time, they fit into the steps, and
        is_enough() is true for each. Else the rows; where these are removed, the summaries that lie within the time.
        """
        after = 0
        while True:
            with self._moment():
                chunk = self._chunk(
                    "last_seq > ? AND last_ms >= ? AND first_ms < ? ORDER BY last_seq", (key, after, *span)
                )
                last = END_SEQ if chunk is None else chunk.last_seq
                late, last = self.journal_step(key, after, last)
                late = [row for row in late if in_span(row, span)]
                stored: list[Summary] = []
                if chunk is not None:
                    stored, rows = self._of_chunk(key, chunk, after < chunk.first_seq, last, span, step_s, is_enough)
                    late = merged_rows([row for row in rows if after < row[1] <= last and in_span(row, span)], late)
            yield stored, late
            if last == END_SEQ:
                return
            after = last

    def _of_chunk(
        self, key: int, chunk: Chunk, is_new: bool, last: int, span: Span, step_s: int, is_enough: IsEnough
    ) -> Block:
        """What is known of a chunk's frames up to `last`. is_new: none of them is known yet."""
        is_at_end = chunk.last_seq <= last
        stored = self._stored_summaries(key, chunk) if is_at_end else []
        within = [one for one in stored if _is_within(one, span)]
        is_cut = len(within) + sum(_is_outside(one, span) for one in stored) < len(stored)
        fits = is_new and bool(stored) and not is_cut and step_s % stored[0].step_s == 0
        if fits and all(map(is_enough, within)):
            return within, []
        rows = self._packed(key, chunk)
        return ([], rows) if rows else (within, [])

    def _stored_summaries(self, key: int, chunk: Chunk) -> list[Summary]:
        """Those of a chunk of a boot with readable facts; none if it has none, or if they cannot be read."""
        boot_id, _ = self._layouts[key]
        try:
            row = self._row("SELECT summary FROM chunks WHERE id = ?", (chunk.id,))
            return [] if row is None or row[0] is None else summary_format.decode(boot_id, row[0])
        except (ValueError, StoreDamaged) as error:
            self._report_chunk(key, chunk, str(error))
            return []

    def _of_rows(self, key: int, rows: Iterable[Row], step_s: int) -> list[Summary]:
        return self.summarize(key, [VectorRow("", *row) for row in rows if self.is_readable(key, row)], step_s)

    def _rule(self, key: int) -> str | None:
        facts = self._facts(key)
        return None if facts is None else rule_of(facts)

    def _facts(self, key: int) -> Mapping[str, str] | None:
        row = self._row("SELECT board, boot_id FROM boots WHERE id = ?", (key,))
        boot = None if row is None else self._known_boot(*row)
        return None if boot is None else boot.facts


def _is_within(one: Summary, span: Span) -> bool:
    return span.since_ms <= 1000 * one.time and 1000 * (one.time + one.step_s) <= span.until_ms


def _is_outside(one: Summary, span: Span) -> bool:
    return 1000 * (one.time + one.step_s) <= span.since_ms or span.until_ms <= 1000 * one.time


def summary_step_s(layout: Layout) -> int:
    """The shortest step in which a board makes enough snapshots."""
    enough_cs = STEP_SAMPLES * layout.interval_cs
    return next((step_s for step_s in STEPS_S if 100 * step_s >= enough_cs), DAY_S)


def in_steps(parts: Iterable[Summary], step_s: int) -> Iterator[Summary]:
    """Parts of one boot, in ascending order, joined into steps."""
    whole: Summary | None = None
    for part in parts:
        time = part.time // step_s * step_s
        if whole is not None and whole.time == time:
            whole = merged(whole, part, time, step_s)
            continue
        if whole is not None:
            yield whole
        whole = part if part.step_s == step_s else part._replace(time=time, step_s=step_s)
    if whole is not None:
        yield whole
