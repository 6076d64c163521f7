"""Reads a board's summaries: those that chunks hold, and for the rest those of the snapshots themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from buddywatch.model.batch import VectorRow
from buddywatch.model.summaries import Summary, merged
from buddywatch.protocol.layout import Layout
from buddywatch.store import summary_format
from buddywatch.store.read import ReadStore, numbers, span_of
from buddywatch.store.rows import END_SEQ, Chunk, Row, Span
from buddywatch.store.summarize import summaries
from buddywatch.verdict.judge import rule_of

STEP_S = 300  # of the summaries in chunks
SLOW_STEP_S = 900  # of boards that are polled less often than every SLOW_CS: a summary takes 80 bytes, in a step of
SLOW_CS = 200  # 300 s with a poll every 5 s that would be 1.3 bytes for each snapshot
_STEP_ROWS = 1000  # of the journal


class SummaryStore(ReadStore):
    def summaries(
        self, board: str, since: float | None = None, until: float | None = None, step_s: int = SLOW_STEP_S
    ) -> Iterator[Summary]:
        """One for each boot and step of time with snapshots in since <= time < until, oldest first.

        Snapshots whose rows are removed count with their summaries, if these lie within the time and fit the steps.
        """
        span = span_of(since, until)
        for (key,) in list(self._rows("SELECT id FROM boots WHERE board = ? ORDER BY id", (board,))):
            if self._layout(key) is not None:
                yield from in_steps(self._parts(key, span, step_s), step_s)

    def summarize(self, key: int, rows: Sequence[VectorRow], step_s: int | None = None) -> list[Summary]:
        """The summaries of readable rows of a boot. step_s: None: as chunks have it."""
        of_boot = self._layout(key)
        if of_boot is None:
            return []
        boot_id, layout = of_boot
        return list(summaries(boot_id, rows, layout, self._rule(key), step_s or _step_s(layout)))

    def _parts(self, key: int, span: Span, step_s: int) -> Iterator[Summary]:
        """Summaries with any finer steps, oldest first; several may be of the same step."""
        after = 0
        while True:
            with self._moment():
                chunk = self._chunk(
                    "last_seq > ? AND last_ms >= ? AND first_ms < ? ORDER BY last_seq", (key, after, *span)
                )
                last = END_SEQ if chunk is None else chunk.last_seq
                late = self._journal_within(key, after, last, span)
                if len(late) == _STEP_ROWS:
                    last = late[-1][1]
                if chunk is not None:
                    late = [row for row in late if not self.is_packed(key, row[1])]
                parts = self._of_rows(key, late, span, step_s)
                if chunk is not None:
                    parts += self._of_chunk(key, chunk, after, last, span, step_s)
            yield from sorted(parts, key=attrgetter("time", "first_seq"))
            if last == END_SEQ:
                return
            after = last

    def _journal_within(self, key: int, after: int, last: int, span: Span) -> list[Row]:
        sql = f"""SELECT first_seq, seq, time_ms, vector FROM snapshots WHERE boot = ? AND seq > ? AND seq <= ?
            AND time_ms >= ? AND time_ms < ? ORDER BY seq LIMIT {_STEP_ROWS}"""
        return list(self._rows(sql, (key, after, last, *span)))

    def _of_chunk(self, key: int, chunk: Chunk, after: int, last: int, span: Span, step_s: int) -> list[Summary]:
        """What a chunk says of its frames in after < frame <= last."""
        is_whole = after < chunk.first_seq and chunk.last_seq <= last
        is_within = span.since_ms <= chunk.first_ms and chunk.last_ms < span.until_ms
        rows = [] if is_whole and is_within else self._packed(key, chunk)
        if rows:
            return self._of_rows(key, [row for row in rows if after < row[1] <= last], span, step_s)
        stored = self._stored_summaries(key, chunk)
        if stored and step_s % stored[0].step_s == 0:
            return [one for one in stored if is_within or _is_within(one, span)]
        return self._of_rows(key, self._packed(key, chunk), span, step_s)

    def _stored_summaries(self, key: int, chunk: Chunk) -> list[Summary]:
        """Those of a chunk of a boot with readable facts; none if it has none, or if they cannot be read."""
        boot_id, _ = self._layouts[key]
        row = self._row("SELECT summary FROM chunks WHERE id = ?", (chunk.id,))
        if row is None or row[0] is None:
            return []
        try:
            return summary_format.decode(boot_id, row[0])
        except ValueError as error:
            self._report_chunk(key, chunk, str(error))
            return []

    def _of_rows(self, key: int, rows: Iterable[Row], span: Span, step_s: int) -> list[Summary]:
        within = (row for row in rows if span.since_ms <= row[2] < span.until_ms)
        readable = [VectorRow("", *row[:3], vector) for row in within if (vector := self._vector(key, row)) is not None]
        return self.summarize(key, readable, step_s)

    def _vector(self, key: int, row: Row) -> list[int] | None:
        """The numbers of a row; None if it cannot be read."""
        content = row[3]
        if isinstance(content, list):
            return content
        try:
            vector = numbers(content)
        except (ValueError, TypeError, RecursionError):
            vector = []
        if len(vector) == self._layouts[key][1].width and min(vector) >= 0:
            return vector
        return None if self._snapshot(key, row) is None else vector  # it reports why; MemFree may be below 0

    def _rule(self, key: int) -> str | None:
        facts = self._facts(key)
        return None if facts is None else rule_of(facts)

    def _facts(self, key: int) -> Mapping[str, str] | None:
        row = self._row("SELECT board, boot_id FROM boots WHERE id = ?", (key,))
        boot = None if row is None else self._known_boot(*row)
        return None if boot is None else boot.facts


def _is_within(one: Summary, span: Span) -> bool:
    return span.since_ms <= 1000 * one.time and 1000 * (one.time + one.step_s) <= span.until_ms


def _step_s(layout: Layout) -> int:
    return STEP_S if layout.interval_cs < SLOW_CS else SLOW_STEP_S


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
