"""Writes the boards' data: one row for each item, each item only once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from buddywatch.model.batch import Segment, VectorRow
from buddywatch.model.links import LinkHealth, UnheardLink
from buddywatch.model.samples import (
    ENDING,
    LOSSES,
    REBOOT,
    Boot,
    BootEnd,
    ConsoleLine,
    Event,
    Gap,
    Retime,
    Snapshot,
    milliseconds,
)
from buddywatch.protocol.layout import Layout, WireSnapshot
from buddywatch.protocol.segment import SegmentWriter, decode, interval_of, segments_of
from buddywatch.store.chunks import ChunkStore
from buddywatch.store.migrations import SUM_OF_LOSSES
from buddywatch.store.read import BOOT

CONSOLE_LINES_MAX = 10_000  # for each board; everything else is kept
_CONSOLE_TRIM_EVERY = 200  # lines
_INT64_MAX = 2**63 - 1


class DataStore(ChunkStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._keys: dict[tuple[str, str], int] = {}  # (board, boot id) -> boots.id
        self._stored_tos: dict[int, int] = {}  # the last frame stored, by boots.id
        self._data_version = 0  # of the file, when these were read
        self._journal_rows: dict[int, int] = {}  # added since they were last counted, by boots.id
        self._console_added: dict[str, int] = {}  # lines by board, to know when to trim

    def _forget(self) -> None:
        super()._forget()
        self._keys.clear()
        self._stored_tos.clear()

    def add_boot(self, board: str, boot: Boot) -> bool:
        """Store a boot, or the facts that a later hello changed. Returns True if the boot is new."""
        facts = json.dumps({_text(key): _text(value) for key, value in boot.facts.items()}, separators=(",", ":"))
        key = self._key(board, boot.boot_id)
        if key is not None:
            self._run("UPDATE boots SET facts = ? WHERE id = ? AND facts <> ?", (facts, key, facts))
            self._layouts.pop(key, None)
            return False
        kernel = self._kernel_of(board, boot)
        values = (board, boot.boot_id, kernel, milliseconds(boot.started), boot.cause, facts)
        # `kernel`: if this is the first agent boot in a boot of the kernel, its own id, which is the next free one.
        sql = (
            "INSERT INTO boots VALUES (NULL, ?, ?, coalesce(?, (SELECT coalesce(max(id), 0) + 1 FROM boots)), ?, ?, ?)"
        )
        self._run(sql, values)
        return True

    def add_snapshot(self, board: str, snapshot: Snapshot) -> bool:
        """Store a snapshot of an added boot. Returns True if it is new. ValueError: does not fit the boot's facts."""
        return self.add_snapshots(board, [snapshot]) == 1

    def add_snapshots(self, board: str, snapshots: Iterable[Snapshot]) -> int:
        """Store snapshots of added boots. Returns how many are new. ValueError: one does not fit its boot's facts."""
        added = 0
        for boot_id, of_boot in groupby(snapshots, key=attrgetter("boot_id")):
            layout = self._known_layout(board, boot_id)
            writer = SegmentWriter(layout.interval_cs)
            for shot in of_boot:
                of_wire = shot if isinstance(shot, WireSnapshot) and shot.is_of(layout) else None
                vector, body = (of_wire.vector, of_wire.body) if of_wire else (layout.vector(shot), None)
                writer.add(shot.first_seq, shot.seq, milliseconds(shot.time), vector, body)
            added += self.add_segments(board, boot_id, writer.take())
        return added

    def add_vectors(self, board: str, rows: Iterable[VectorRow]) -> int:
        """Store snapshots of added boots. Returns how many are new. ValueError: one does not fit its boot's facts."""
        added = 0
        for boot_id, of_boot in groupby(rows, key=attrgetter("boot_id")):
            layout = self._known_layout(board, boot_id)
            fitting = self._fitting(of_boot, layout.width)
            added += self.add_segments(board, boot_id, segments_of(fitting, layout.interval_cs))
        return added

    def add_segments(self, board: str, boot_id: str, segments: Iterable[Segment]) -> int:
        """Store snapshots of an added boot. Returns how many are new."""
        key, added = self._known_key(board, boot_id), 0
        with self.batch():
            stored_to = self._stored_to(key)
            for segment in segments:
                if segment.first_seq > stored_to:
                    self.put_segment(key, segment)
                    added += segment.samples
                else:
                    added += self._add_late(key, segment)
                stored_to = max(stored_to, segment.seq)
            self._stored_tos[key] = stored_to
        self._journal_rows[key] = self._journal_rows.get(key, 0) + added
        return added

    def _begun(self) -> None:
        super()._begun()
        (version,) = self._row("PRAGMA data_version") or (0,)
        if version != self._data_version:  # another connection has written
            self._data_version = version
            self._stored_tos.clear()
            self._decoded.clear()  # rows that it has removed

    def _stored_to(self, key: int) -> int:
        """The last frame of a boot that is stored, or a later one that was."""
        if key not in self._stored_tos:
            self._stored_tos[key] = max(self._journal_to(key), self._packed_to(key))
        return self._stored_tos[key]

    def _add_late(self, key: int, segment: Segment) -> int:
        """Add of a segment what is not stored yet."""
        rows = [row for row in decode("", segment.body) if not self._is_stored(key, row.seq)]
        for new in segments_of(rows, interval_of(segment.body)):
            self.put_segment(key, new)
        return len(rows)

    def _is_stored(self, key: int, seq: int) -> bool:
        return self.is_packed(key, seq) or self.is_in_journal(key, seq)

    @staticmethod
    def _fitting(rows: Iterable[VectorRow], width: int) -> Iterator[VectorRow]:
        for row in rows:
            if len(row.vector) != width:
                raise ValueError(f"snapshot {row.seq} has {len(row.vector)} numbers, expected {width}")
            yield row

    def _known_layout(self, board: str, boot_id: str) -> Layout:
        of_boot = self._layout(self._known_key(board, boot_id))
        if of_boot is None:
            raise ValueError(f"the facts of boot {boot_id} of board {board} cannot be read")
        return of_boot[1]

    def add_event(self, board: str, event: Event, copy: bool = False) -> bool:
        """Store an event. Returns True if it is new. copy: already known; stored so that its number is not a gap."""
        row = self._row("SELECT id, kernel FROM boots WHERE board = ? AND boot_id = ?", (board, event.boot_id))
        key, kernel = row or (None, None)
        comm = None if event.comm is None else _text(event.comm)
        what = (_text(event.kind), _fit(event.number), _fit(event.pid), comm, _text(event.text), copy)
        values = (board, key, kernel, event.seq, milliseconds(event.time), _fit(event.uptime_ms), *what)
        sql = "INSERT OR IGNORE INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return self._run(sql, values).rowcount == 1

    def retime(self, board: str, retime: Retime) -> None:
        """Correct the times of a boot's snapshots and events. Does nothing for an unknown boot."""
        key = self._key(board, retime.boot_id)
        if key is None:
            return
        started_ms = milliseconds(retime.started)
        uptimes = (retime.from_uptime_ms, retime.to_uptime_ms)
        sql = "UPDATE events SET time_ms = uptime_ms + ? WHERE boot = ? AND uptime_ms BETWEEN ? AND ?"
        self._run(sql, (started_ms, key, *uptimes))
        self.retime_journal(key, started_ms, *uptimes)
        self.retime_chunks(key, started_ms, *uptimes)
        if retime.from_uptime_ms == 0:
            self._run("UPDATE boots SET started_ms = ? WHERE id = ?", (started_ms, key))

    def add_gap(self, board: str, gap: Gap) -> bool:
        """Store a gap of an added boot. Returns True if it is new."""
        key = self._known_key(board, gap.boot_id)
        values = (key, gap.first, gap.last, gap.reason, milliseconds(gap.time))
        is_new = self._run("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?, ?)", values).rowcount == 1
        if is_new and gap.reason in LOSSES:
            sql = """INSERT INTO losses VALUES (?, ?, ?, ?) ON CONFLICT (board)
                DO UPDATE SET frames = frames + excluded.frames, boot = excluded.boot, first = excluded.first"""
            self._run(sql, (board, gap.last - gap.first + 1, key, gap.first))
        return is_new

    def sum_losses(self, board: str) -> None:
        """Count the board's losses again after boots were moved to or from it."""
        self._run("DELETE FROM losses WHERE board = ?", (board,))
        self._run(f"INSERT INTO losses {SUM_OF_LOSSES.format('AND b.board = ?')}", (board,))

    def set_end(self, board: str, end: BootEnd) -> None:
        """Store that a boot is ENDING, or that it no longer is."""
        key = self._known_key(board, end.boot_id)
        if end.state == ENDING:
            values = (key, end.last, end.successor, milliseconds(end.time))
            self._run("INSERT OR REPLACE INTO endings VALUES (?, ?, ?, ?)", values)
        else:
            self._run("DELETE FROM endings WHERE boot = ?", (key,))

    def add_console(self, board: str, line: ConsoleLine) -> None:
        """Store a console line; of each board, about the newest CONSOLE_LINES_MAX lines are kept."""
        self._run("INSERT INTO console VALUES (NULL, ?, ?, ?)", (board, milliseconds(line.time), _text(line.text)))
        added = self._console_added.get(board, 0)
        if added % _CONSOLE_TRIM_EVERY == 0:
            surplus = "SELECT id FROM console WHERE board = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2"
            sql = f"DELETE FROM console WHERE board = ?1 AND id <= ({surplus})"
            self._run(sql, (board, CONSOLE_LINES_MAX))
        self._console_added[board] = added + 1

    def link_state(self, board: str, url: str, up: bool, time: float) -> None:
        sql = """INSERT INTO links (board, url, up, since_ms) VALUES (?, ?, ?, ?) ON CONFLICT (board, url)
            DO UPDATE SET up = excluded.up, since_ms = excluded.since_ms WHERE up <> excluded.up"""
        self._run(sql, (board, url, up, milliseconds(time)))

    def link_health(self, board: str, url: str, health: LinkHealth) -> None:
        """Store how well a link carries data. Does nothing for a link that was never up: it has no row."""
        sql = """UPDATE links SET damaged_lines = ?, dropped_bytes = ?, reasked_frames = ?, last_error = ?
            WHERE board = ? AND url = ?"""
        counts = (health.damaged_lines, health.dropped_bytes, health.reasked_frames)
        self._run(sql, (*counts, _text(health.last_error), board, url))

    def set_unheard(self, url: str, link: UnheardLink | None) -> None:
        """Store that no board was heard over the link of this URL. None: a board was."""
        if link is None:
            self._run("DELETE FROM unheard_links WHERE url = ?", (url,))
        else:
            values = (url, link.is_up, _text(link.last_error))
            self._run("INSERT OR REPLACE INTO unheard_links VALUES (?, ?, ?)", values)

    def forget_links(self, boards: Iterable[str], keep: Iterable[str]) -> None:
        """Delete links of these boards that are down and not in `keep`: they were removed from the configuration."""
        of_boards, kept = set(boards), set(keep)
        down = self._rows("SELECT board, url FROM links WHERE up = 0")
        gone = [link for link in down if link[0] in of_boards and link[1] not in kept]
        self._run_many("DELETE FROM links WHERE board = ? AND url = ?", gone)

    def links_down(self, time: float) -> None:
        """Mark all links as down and reset their counts; a killed collector could not. Called at every start."""
        with self.batch():
            self._run("UPDATE links SET up = 0, since_ms = ? WHERE up = 1", (milliseconds(time),))
            self._run("UPDATE links SET damaged_lines = 0, dropped_bytes = 0, reasked_frames = 0, last_error = ''")
            self._run("DELETE FROM unheard_links")

    def _key(self, board: str, boot_id: str) -> int | None:
        key = self._keys.get((board, boot_id))
        if key is None:
            row = self._row("SELECT id FROM boots WHERE board = ? AND boot_id = ?", (board, boot_id))
            if row is not None:
                key = self._keys[board, boot_id] = int(row[0])
        return key

    def _known_key(self, board: str, boot_id: str) -> int:
        key = self._key(board, boot_id)
        if key is None:
            raise ValueError(f"boot {boot_id} of board {board} is not in the store; add_boot() comes first")
        return key

    def _kernel_of(self, board: str, boot: Boot) -> int | None:
        """The kernel boot in which this agent boot runs; None if it is a new one."""
        row = self._row(f"SELECT {BOOT}, kernel FROM boots WHERE board = ? ORDER BY id DESC LIMIT 1", (board,))
        if row is None or boot.cause == REBOOT:
            return None
        kboot = boot.facts.get("kboot", "-")
        same = kboot != "-" and self._boot(row[:-1]).facts.get("kboot") == kboot
        return int(row[-1]) if same or boot.cause == "agent-restart" else None


def _text(text: str) -> str:
    """Text from a board without lone surrogates, which UTF-8 and therefore SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _fit(number: int | None) -> int | None:
    """A number from a board, limited to the range of an SQLite integer."""
    return None if number is None else max(-_INT64_MAX, min(number, _INT64_MAX))
