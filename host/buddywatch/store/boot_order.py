"""Puts a boot between those of a board that are stored already: the order of boots.id is that of the board's boots.

Only for what is imported. A collector meets boots in their order, and keeps their ids in memory.
"""

from __future__ import annotations

from pathlib import Path

from buddywatch.model.samples import REBOOT, Boot, Event, milliseconds
from buddywatch.store.lock import alone
from buddywatch.store.store import Store

_AGENT_RESTART = "agent-restart"


def place_boot(store: Store, board: str, boot: Boot) -> None:
    """Store a new boot before those of the board that started later. StoreError: a collector runs and is in the way."""
    ids = list(store._rows("SELECT id, started_ms FROM boots WHERE board = ? ORDER BY id", (board,)))
    at = next((at for at, (_, started_ms) in enumerate(ids) if started_ms > milliseconds(boot.started)), len(ids))
    before, later = [key for key, _ in ids[:at]], [key for key, _ in ids[at:]]
    free = _free_between(store, before[-1] if before else None, later[0]) if later else None
    if later and free is None:
        with alone(Path(store.path)):  # as later boots get other ids
            _place(store, board, boot, free, later)
    else:
        _place(store, board, boot, free, later)


def known_in_kernel(store: Store, board: str, boot_id: str) -> tuple[list[Boot], list[Event]]:
    """The board's boots within the same boot of the kernel as this one, and what the kernel is known to have said."""
    sql = "SELECT kernel FROM boots WHERE board = ? AND boot_id = ?"
    (kernel,) = store._row(sql, (board, boot_id)) or (0,)
    ids = {name for (name,) in store._rows("SELECT boot_id FROM boots WHERE board = ? AND kernel = ?", (board, kernel))}
    return [boot for boot in store.boots(board) if boot.boot_id in ids], store._kernel_events(kernel)


def _place(store: Store, board: str, boot: Boot, free: int | None, later: list[int]) -> None:
    with store.batch():
        store._run("PRAGMA defer_foreign_keys = ON")  # a boot's rows follow it one table after the other
        store.add_boot(board, boot)
        key = store._known_key(board, boot.boot_id)
        if free is not None:
            _renumber(store, key, free)
        else:
            for number, of_later in enumerate(later, 1):
                _renumber(store, of_later, key + number)
        _set_kernels(store, board)
    store._forget()
    store.look_again()


def _free_between(store: Store, before: int | None, after: int) -> int | None:
    """An id that no boot has, between two of a board. None: there is none."""
    if before is None:
        (lowest,) = store._row("SELECT min(id) FROM boots") or (after,)
        return int(lowest) - 1
    sql = "SELECT id FROM boots WHERE id > ? AND id < ?"
    taken = {key for (key,) in store._rows(sql, (before, after))}
    return next((key for key in range(before + 1, after) if key not in taken), None)


def _renumber(store: Store, key: int, new: int) -> None:
    tables = [name for (name,) in store._rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        if "boot" in {row[1] for row in store._rows(f"PRAGMA table_info({table})")}:
            store._run(f"UPDATE {table} SET boot = ? WHERE boot = ?", (new, key))
    store._run("UPDATE boots SET id = ? WHERE id = ?", (new, key))


def _set_kernels(store: Store, board: str) -> None:
    """Which of the board's boots are in the same boot of the kernel, now that there is one more among them."""
    sql = "SELECT id, boot_id FROM boots WHERE board = ? ORDER BY id"
    ids = [key for key, _ in store._rows(sql, (board,))]
    kernel = kboot = None
    for key, boot in zip(ids, store.boots(board), strict=True):
        named = boot.facts.get("kboot", "-")
        is_same = boot.cause != REBOOT and (boot.cause == _AGENT_RESTART or (named != "-" and named == kboot))
        kernel, kboot = (kernel if is_same and kernel is not None else key), named
        store._run("UPDATE boots SET kernel = ? WHERE id = ? AND kernel <> ?", (kernel, key, kernel))
        store._run("UPDATE events SET kernel = ? WHERE boot = ? AND kernel <> ?", (kernel, key, kernel))
