"""A batch, written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from buddywatch.model.batch import Batch, BoardRows
from buddywatch.store.heard import HeardStore
from buddywatch.store.retention import RetentionStore


class BatchStore(RetentionStore, HeardStore):
    def write(self, batch: Batch) -> None:
        """Store all of it or nothing. StoreError; ValueError or IntegrityError if a row does not fit its boot."""
        with self.batch():
            for board, rows in batch.boards.items():
                self._write_data(board, rows)
                self._write_conclusions(board, rows)
            self._write_places(batch.boards)
            for change in batch.links:
                self.link_state(change.board, change.url, change.is_up, change.time)
            for stored in batch.healths:
                self.link_health(stored.board, stored.url, stored.health)
            for url, unheard in batch.unheard.items():
                self.set_unheard(url, unheard)
            if batch.urls is not None:
                self.forget_links({change.board for change in batch.links}, batch.urls)
            for moved in batch.moves:
                self.move_boot(moved)

    def _write_data(self, board: str, rows: BoardRows) -> None:
        for boot in rows.boots:
            self.add_boot(board, boot)
        self.add_snapshots(board, rows.snapshots)
        self.add_vectors(board, rows.vectors)
        for boot_id, segments in rows.segments.items():
            self.add_segments(board, boot_id, segments)
        for stored in rows.events:
            self.add_event(board, stored.event, stored.copy)
        self.fold_ranges(board, rows.snapshot_count + len(rows.events))
        for gap in rows.gaps:
            self.add_gap(board, gap)
        for end in rows.ends:
            self.set_end(board, end)
        for line in rows.console:
            self.add_console(board, line)

    def _write_conclusions(self, board: str, rows: BoardRows) -> None:
        for incident in rows.incidents:
            self.add_incident(incident)
        for change in rows.incident_changes:
            self.set_incident_state(change.incident_id, change.state, change.closed)
        for noted in rows.transitions:
            self.add_transition(noted.transition, noted.noted, noted.needs_message)
        for (rule, need), state in rows.rule_states.items():
            self.set_rule_state(board, rule, need, state)
        for retime in rows.retimes:
            self.retime(board, retime)
        for boot_id, seq in rows.passed.items():
            self.set_passed(board, boot_id, seq)
        for found in rows.forecasts.values():
            self.set_forecast(board, found)
        for record in rows.margins.values():
            self.set_margins(board, record)

    def _write_places(self, boards: Mapping[str, BoardRows]) -> None:
        """What changes with each snapshot of each board: one statement for all."""
        heard = {board: rows.heard_boottime_s for board, rows in boards.items()}
        self.set_heard({board: heard_s for board, heard_s in heard.items() if heard_s is not None})
        judged = {board: rows.judged for board, rows in boards.items()}
        self.set_judged({board: place for board, place in judged.items() if place is not None})
