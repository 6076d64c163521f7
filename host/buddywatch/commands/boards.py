"""Helpers of the commands that show boards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from buddywatch.commands import CommandError
from buddywatch.config.sections import Config
from buddywatch.model.samples import Gap
from buddywatch.text.escape import escaped

if TYPE_CHECKING:
    from buddywatch.store.store import Store


def check_board(store: Store, config: Config, name: str) -> None:
    """Raise CommandError unless the board has data or is in the configuration."""
    from buddywatch.terminal.overview import board_names  # `need` and `decode` only print JSON

    names = board_names(store, config)
    if name not in names:
        known = f"known: {', '.join(map(escaped, names))}" if names else "no board has sent data yet"
        raise CommandError(f"no board {escaped(name)!r}; {known}")


def time_of(store: Store, board: str, moment: float | str | None) -> float | None:
    """A moment of the command line as seconds since 1970; BOOT is when the board's kernel last started."""
    if not isinstance(moment, str):
        return moment
    newest = store.latest_boot(board)
    return None if newest is None else newest.started


def print_json(value: Any) -> None:
    """Print on one line, so that line-oriented tools can read it."""
    print(json.dumps(value))


def gap_json(gap: Gap) -> dict[str, Any]:
    return {"boot_id": gap.boot_id, "first": gap.first, "last": gap.last, "reason": gap.reason}
