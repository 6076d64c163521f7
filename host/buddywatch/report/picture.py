"""Reads what a picture of a board shows from the store."""

from __future__ import annotations

from collections.abc import Iterable

from buddywatch.config.sections import Config
from buddywatch.model.forecasts import UNKNOWN, Forecast
from buddywatch.model.samples import EVENT_KINDS, KERNEL_FAILURE_KINDS, LOSSES
from buddywatch.pictures.board_picture import EVENT, FAILURE, GAP, REBOOT, BoardPicture, Mark, NeedCourse, Points
from buddywatch.store.courses import BoardCourse, course, step_for
from buddywatch.store.store import Store
from buddywatch.terminal.overview import judged
from buddywatch.text.forecast_words import current_forecasts
from buddywatch.text.gap_words import gap_words
from buddywatch.verdict.usable import blocks_of_margin, usable_blocks

MARKS_MAX = 200


def picture_of(store: Store, config: Config, board: str, since: float | None, until: float) -> BoardPicture:
    """The board with since <= time < until; since: None: from its first snapshot on."""
    if since is None:
        first = next(store.snapshots(board, None, until), None)
        since = until - 60.0 if first is None else first.time
    since = min(since, until - 60.0)
    found = course(store, config, board, since, until)
    steps = found.steps
    heights = max((len(step.blocks) for step in steps), default=0)
    heat = tuple(
        tuple((step.time, step.blocks[order]) for step in steps if order < len(step.blocks)) for order in range(heights)
    )
    return BoardPicture(
        board,
        since,
        until,
        max([float(step_for(until - since)), *_usual_step(found)]),
        _needs(store, config, found),
        tuple((step.time, float(step.free_bytes)) for step in steps if step.free_bytes is not None),
        tuple((step.time, float(step.usable_bytes)) for step in steps if step.usable_bytes is not None),
        heat,
        found.page_bytes,
        marks(store, found),
    )


def marks(store: Store, found: BoardCourse) -> tuple[Mark, ...]:
    """The newest failures, other events, reboots and losses of that time, oldest first."""
    events = store.newest_events(found.board, MARKS_MAX, found.since, EVENT_KINDS, found.until)
    shown = [Mark(event.time, FAILURE if event.kind in KERNEL_FAILURE_KINDS else EVENT, event.text) for event in events]
    shown += [
        Mark(
            boot.started,
            REBOOT,
            f"{'reboot' if boot.cause == 'reboot' else 'the agent restarted'}, boot {boot.boot_id}",
        )
        for boot in found.boots
        if boot.cause != "first" and found.since <= boot.started < found.until
    ]
    shown += [
        Mark(gap.time, GAP, f"lost {gap_words(gap)}")
        for gap in store.gaps(found.board)
        if gap.reason in LOSSES and found.since <= gap.time < found.until
    ]
    return tuple(sorted(shown, key=lambda mark: mark.time))[-MARKS_MAX:]


def _needs(store: Store, config: Config, found: BoardCourse) -> tuple[NeedCourse, ...]:
    snapshot, boot = store.latest(found.board), store.latest_boot(found.board)
    state = judged(snapshot, boot, config, found.board)
    is_now = snapshot is not None and snapshot.time < found.until
    forecasts = current_forecasts(store.forecasts(found.board), snapshot if state and is_now else None)
    verdicts = {need.name: need.verdict for need in state.needs} if state and is_now else {}
    needs = []
    for place, (need, order) in enumerate(zip(found.needs, found.orders, strict=True)):
        if order is None or found.page_bytes is None:
            continue
        now = usable_blocks(snapshot, found.page_bytes, need, state.rule) if snapshot and state and is_now else None
        forecast = forecasts.get(need.name, Forecast(UNKNOWN))
        blocks = _blocks(found, place, order)
        block_bytes = found.page_bytes << order
        needs.append(NeedCourse(need.name, block_bytes, blocks, forecast, verdicts.get(need.name), now))
    return tuple(needs)


def _blocks(found: BoardCourse, place: int, order: int) -> Points:
    margins: Iterable[tuple[float, int | None]] = ((step.time, step.margins[place]) for step in found.steps)
    return tuple((time, float(blocks_of_margin(pages, order))) for time, pages in margins if pages is not None)


def _usual_step(found: BoardCourse) -> list[float]:
    """The median distance of two steps: a board may be polled less often than pictures have columns."""
    between = sorted(b.time - a.time for a, b in zip(found.steps, found.steps[1:], strict=False) if b.time > a.time)
    return [between[len(between) // 2]] if between else []
