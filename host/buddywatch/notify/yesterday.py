"""What changed on a board since yesterday: memory then and now, and how many programs were started."""

from __future__ import annotations

from collections.abc import Iterator

from buddywatch.config.sections import Board
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.store.store import Store
from buddywatch.text.escape import counted
from buddywatch.verdict.judge import board_state

DAY_S = 86_400.0
NEAR_S = 300.0  # a snapshot so long before or after that time of yesterday will do


def since_yesterday(
    store: Store, board: str, newest: Snapshot, now: BoardState, settings: Board, facts: dict[str, str]
) -> tuple[str, ...]:
    """One line each; none where nothing is known of yesterday, or nothing changed. facts: of the newest hello."""
    at = newest.time - DAY_S
    then = next(store.snapshots(board, at - NEAR_S, at + NEAR_S), None)
    if then is None:
        return ()
    before = board_state(then, facts, (), settings.rule, settings.page_bytes)
    return tuple([*_memory(before, now), *_started(then, newest)])


def _memory(before: BoardState, now: BoardState) -> Iterator[str]:
    pairs = (
        ("largest request that succeeds", before.serviceable_bytes, now.serviceable_bytes),
        ("free memory", before.free_bytes, now.free_bytes),
    )
    for what, old, new in pairs:
        if old is not None and new is not None and old != new:
            yield f"{what}: {old // 1024} kB yesterday, {new // 1024} kB now"


def _started(then: Snapshot, newest: Snapshot) -> Iterator[str]:
    """The kernel counts the programs that it started since its boot."""
    is_same_boot = newest.uptime_ms - then.uptime_ms > DAY_S * 500
    if is_same_boot and then.processes is not None and newest.processes is not None:
        yield f"{counted(newest.processes - then.processes, 'program')} started since then"
