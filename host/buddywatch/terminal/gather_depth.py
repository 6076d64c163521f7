"""Reads one board in depth for the live view; what costs more than a look is read now and then."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.model.memory_map import MAP, MemoryMap
from buddywatch.model.samples import EVENT_KINDS, Boot
from buddywatch.pictures.heat import parts_of
from buddywatch.protocol.map_text import maps_of
from buddywatch.store.courses import BoardCourse, course, step_for
from buddywatch.store.memory_maps import PARTS_MAX
from buddywatch.terminal.cures import at_once, in_the_long_run
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.overview import reserve
from buddywatch.terminal.view import BoardLine, Depth
from buddywatch.text.escape import brief_duration, counted, local_clock, one_line, table
from buddywatch.text.forecast_words import current_forecasts, reboot_words
from buddywatch.text.gap_words import gap_words
from buddywatch.text.map_words import owner_rows
from buddywatch.text.state_words import kernel_words, memory_words, need_words, reserve_words, unknown_words

HEAT_COLUMNS = 120
HEAT_S = 7 * 86_400.0
HEAT_EVERY_S = 60.0
MAP_EVERY_S = 10.0
_EVENTS = 3
_EVENTS_S = 86_400.0
_OWNERS = 8
ORDERS = 11  # of most kernels: for the largest block that an end makes


@dataclass
class _Slow:
    """What was read of the board a while ago. heat_s: the time that it covers."""

    heat: tuple[tuple[float | None, ...], ...] = ()
    heat_s: float = HEAT_S
    heat_at_s: float = float("-inf")
    owners: tuple[str, ...] = ()
    cures: tuple[str, ...] = ()
    owners_at_s: float = float("-inf")


class DepthReader:
    """Reads the board that is open."""

    def __init__(self, fleet: FleetReader) -> None:
        self._fleet = fleet
        self._name = ""
        self._slow = _Slow()

    def depth(self, board: BoardLine, now: float) -> Depth:
        """What the store holds of a board that the fleet reader has just read."""
        if board.name != self._name:
            self._name, self._slow = board.name, _Slow()
        store, known = self._fleet.store, self._fleet.known(board.name)
        facts = known.boot.facts if known.boot else {}
        snapshot, state = known.snapshot, known.state
        uptime_s = snapshot.uptime_ms / 1000 + (board.age_s or 0.0) if snapshot and state else None
        events = store.newest_events(board.name, _EVENTS, now - _EVENTS_S, EVENT_KINDS)
        self._look(board.name, known.boot, now)
        return Depth(
            board.name,
            kernel_words(facts) if known.boot else "",
            uptime_s,
            tuple((link.url, link.up) for link in store.links(board.name)),
            memory_words(state) if state else "",
            self._slow.heat,
            self._slow.heat_s,
            state.page_bytes if state else None,
            self._slow.owners,
            self._needs(board),
            tuple(f"{local_clock(event.time)} {one_line(event.text)}" for event in events),
            tuple(self._facts(board.name, known.boot, now)),
            (*self._slow.cures, *in_the_long_run(board, facts)),
        )

    def _look(self, name: str, boot: Boot | None, now: float) -> None:
        slow, store = self._slow, self._fleet.store
        if not 0 <= now - slow.heat_at_s < min(HEAT_EVERY_S, slow.heat_s / HEAT_COLUMNS):
            slow.heat_at_s = now
            slow.heat, slow.heat_s = _heat(self._course(name, now))
        if not 0 <= now - slow.owners_at_s < MAP_EVERY_S:
            slow.owners_at_s = now
            known = self._fleet.known(name)
            slow.cures = at_once(store, self._fleet.config, name, boot, known.snapshot, known.state)
            maps = maps_of(store.newest_events(name, PARTS_MAX, kinds=(MAP,)))
            page_bytes = self._page_bytes(name)
            if maps and page_bytes is not None:
                newest = max(maps, key=lambda one: one.time)
                slow.owners = owner_lines(newest, page_bytes, ORDERS, now - newest.time)

    def _course(self, name: str, now: float) -> BoardCourse:
        """Of a week, or of a shorter time in which there is data, in as many steps."""
        store, config = self._fleet.store, self._fleet.config
        found = course(store, config, name, now - HEAT_S, now + 1.0)
        since = min((step.time for step in found.steps), default=now - HEAT_S)
        return found if step_for(now - since) >= step_for(HEAT_S) else course(store, config, name, since, now + 1.0)

    def _page_bytes(self, name: str) -> int | None:
        state = self._fleet.known(name).state
        return None if state is None else state.page_bytes

    def _needs(self, board: BoardLine) -> dict[str, str]:
        known = self._fleet.known(board.name)
        if known.snapshot is None or known.state is None:
            return {}
        forecasts = {need.name: need.forecast for need in board.needs}
        return {
            need.name: need_words(need, known.snapshot, known.state, forecasts.get(need.name))
            for need in known.state.needs
        }

    def _facts(self, name: str, boot: Boot | None, now: float) -> list[str]:
        """Gaps, the agent's reserve, the reboot window, and what the board does not report."""
        store, config, snapshot = self._fleet.store, self._fleet.config, self._fleet.known(name).snapshot
        losses = store.losses(name)
        found = []
        if losses.newest is not None:
            found.append(f"lost {counted(losses.frames, 'frame')}, last {gap_words(losses.newest)}")
        found.append(reserve_words(reserve(store, name, boot)))
        if boot is None or snapshot is None:
            return [text for text in found if text]
        windows = config.windows_of(config.name_of(name, boot.facts))
        forecasts = current_forecasts(store.forecasts(name), snapshot)
        found.append(reboot_words(windows, forecasts, snapshot.time, now))
        found.append(unknown_words(boot.facts))
        return [text for text in found if text]


def _heat(found: BoardCourse) -> tuple[tuple[tuple[float | None, ...], ...], float]:
    """(mean free blocks of each order in each part of the time, that time): since the first step, at most a week."""
    if not found.steps:
        return (), HEAT_S
    since = min(step.time for step in found.steps)
    span_s = max(found.until - since, float(found.steps[0].step_s))
    orders = max(len(step.blocks) for step in found.steps)
    rows: list[tuple[float | None, ...]] = []
    for order in range(orders):
        steps = [(step.time, step.blocks[order]) for step in found.steps if order < len(step.blocks)]
        parts = parts_of(steps, since, since + span_s, HEAT_COLUMNS)
        rows.append(_carried([sum(part) / len(part) if part else None for part in parts], found))
    return tuple(rows), span_s


def _carried(parts: list[float | None], found: BoardCourse) -> tuple[float | None, ...]:
    """Parts between two steps that are no farther apart than steps usually are have the value before them."""
    if len(found.steps) >= HEAT_COLUMNS:
        return tuple(parts)
    usual = HEAT_COLUMNS // max(1, len(found.steps)) + 1
    carried: list[float | None] = []
    since, last = 0, None
    for part in parts:
        since = 0 if part is not None else since + 1
        last = part if part is not None else last
        carried.append(last if since <= usual else None)
    return tuple(carried)


def owner_lines(found: MemoryMap, page_bytes: int, orders: int, ago_s: float) -> tuple[str, ...]:
    """A heading, and a line for each program, those that hold most first."""
    rows = owner_rows(found, page_bytes, orders)[:_OWNERS]
    heading = ["OWNER", "HOLDS", "PIECES", "SINCE", f"ITS END MAKES AT LEAST   (map of {brief_duration(ago_s)} ago)"]
    return tuple(table([heading, *rows], right=frozenset({1, 2}))) if rows else ()
