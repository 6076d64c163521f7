"""Helpers of the commands that show boards."""

from __future__ import annotations

import json
from typing import Any

from buddywatch.commands import CommandError
from buddywatch.config.sections import Config
from buddywatch.model.samples import Gap
from buddywatch.store.store import Store
from buddywatch.terminal.overview import board_names
from buddywatch.text.escape import escaped


def check_board(store: Store, config: Config, name: str) -> None:
    """Raise CommandError unless the board has data or is in the configuration."""
    names = board_names(store, config)
    if name not in names:
        known = f"known: {', '.join(map(escaped, names))}" if names else "no board has sent data yet"
        raise CommandError(f"no board {escaped(name)!r}; {known}")


def print_json(value: Any) -> None:
    """Print on one line, so that line-oriented tools can read it."""
    print(json.dumps(value))


def gap_json(gap: Gap) -> dict[str, Any]:
    return {"boot_id": gap.boot_id, "first": gap.first, "last": gap.last, "reason": gap.reason}
