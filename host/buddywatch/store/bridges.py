"""What a bridge has pushed to another engine, and what is left for it to push."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from buddywatch.model.alerts import Transition
from buddywatch.model.samples import Boot, Event, Snapshot, milliseconds
from buddywatch.store.alerts import TRANSITION
from buddywatch.store.read import BOOT, EVENT, event_of, seconds
from buddywatch.store.store import Store

_Range = tuple[int, int]
_LAST_FRAMES = (("last_seq", "chunks"), ("seq", "journal"))


class BootFrames(NamedTuple):
    """key: boots.id. last: its last stored frame with a snapshot, 0 without any. is_over: no live board is in it."""

    key: int
    board: str
    last: int
    is_over: bool


class BridgeState(NamedTuple):
    """event_id, transition_id: the last ones pushed. pushed: when something was last taken, seconds since 1970.

    set_aside: items that the engine refused. error: of the last attempt, "" if it succeeded.
    """

    event_id: int = 0
    transition_id: int = 0
    pushed: float | None = None
    set_aside: int = 0
    error: str = ""


class KeyedEvent(NamedTuple):
    id: int
    board: str
    key: int | None
    event: Event


class BridgeStore(Store):
    def bridge_state(self, name: str) -> BridgeState:
        sql = "SELECT event_id, transition_id, pushed_ms, set_aside, error FROM bridges WHERE name = ?"
        row = self._row(sql, (name,))
        if row is None:
            return BridgeState()
        event_id, transition_id, pushed_ms, set_aside, error = row
        return BridgeState(event_id, transition_id, None if pushed_ms is None else seconds(pushed_ms), set_aside, error)

    def set_bridge_state(self, name: str, state: BridgeState) -> None:
        pushed_ms = None if state.pushed is None else milliseconds(state.pushed)
        values = (name, state.event_id, state.transition_id, pushed_ms, state.set_aside, state.error)
        self._run("INSERT OR REPLACE INTO bridges VALUES (?, ?, ?, ?, ?, ?)", values)

    def bridge_frames(self, name: str) -> dict[int, list[_Range]]:
        """The frames that were pushed, by boots.id."""
        found = {}
        for key, text in self._rows("SELECT boot, ranges FROM bridge_frames WHERE bridge = ?", (name,)):
            try:
                found[key] = [(int(first), int(last)) for first, last in json.loads(text)]
            except (ValueError, TypeError) as error:  # pushed once more: the engine has these samples already
                condition = f"bridge = '{name}' AND boot = {key}"
                row = f"frames pushed of boot {key} to {name}"
                self._report_damage(row, str(error), self._removal("bridge_frames", condition))
        return found

    def set_bridge_frames(self, name: str, frames: Mapping[int, Iterable[_Range]]) -> None:
        """Those of boots that are gone by now are left out."""
        sql = "INSERT OR REPLACE INTO bridge_frames SELECT ?, id, ? FROM boots WHERE id = ?"
        rows = [(name, json.dumps(list(ranges), separators=(",", ":")), key) for key, ranges in frames.items()]
        self._run_many(sql, rows)

    def boot_frames(self) -> list[BootFrames]:
        """Of all boots, in the order in which the collector met them."""
        packed, late = ("SELECT max({}) FROM {} WHERE boot = b.id".format(*of) for of in _LAST_FRAMES)
        newest = "id = (SELECT max(id) FROM boots WHERE board = b.board) OR id IN (SELECT boot FROM endings)"
        sql = f"SELECT id, board, max(coalesce(({packed}), 0), coalesce(({late}), 0)), NOT ({newest}) FROM boots b"
        return [BootFrames(key, board, last, bool(over)) for key, board, last, over in self._rows(f"{sql} ORDER BY id")]

    def boot_numbered(self, key: int) -> Boot | None:
        row = self._row(f"SELECT {BOOT} FROM boots WHERE id = ?", (key,))
        return None if row is None else self._boot(row)

    def frames_lost(self, key: int) -> list[_Range]:
        """The frames of a boot that were given up."""
        return list(self._rows("SELECT first, last FROM gaps WHERE boot = ? ORDER BY first", (key,)))

    def losses_of_all(self) -> dict[str, int]:
        """How many frames are lost, of every board that has lost any."""
        return dict(self._rows("SELECT board, frames FROM losses"))

    def snapshots_after(self, key: int, after: int) -> Iterator[Snapshot]:
        """A boot's snapshots behind this frame, oldest first."""
        return self._readable(key, self.rows_after(key, after))

    def events_after(self, event_id: int, count: int) -> list[KeyedEvent]:
        """In the order in which they were stored; each once, even where the board sent it again."""
        sql = f"""SELECT e.id, e.board, e.boot, {EVENT} FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.id > ? AND NOT e.copy ORDER BY e.id LIMIT ?"""
        rows = self._rows(sql, (event_id, count))
        return [KeyedEvent(number, board, key, event_of(tuple(event))) for number, board, key, *event in rows]

    def events_until(self, event_id: int) -> dict[tuple[str, str], int]:
        """How many events there are up to this one, by board and kind; each once."""
        sql = "SELECT board, kind, count(*) FROM events WHERE id <= ? AND NOT copy GROUP BY board, kind"
        return {(board, kind): count for board, kind, count in self._rows(sql, (event_id,))}

    def transitions_after(self, transition_id: int, count: int) -> tuple[list[Transition], int]:
        """Up to `count` in the order in which they were noted, and the id of the last one, readable or not."""
        sql = f"SELECT {TRANSITION} FROM transitions WHERE id > ? ORDER BY id LIMIT ?"
        rows = list(self._rows(sql, (transition_id, count)))
        changes = [change for change in map(self._transition, rows) if change is not None]
        return changes, rows[-1][0] if rows else transition_id
