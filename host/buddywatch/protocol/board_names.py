"""The names of boards. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

NAME_MAX = 64
NUMBERS = range(2, 100)  # behind a name that several boards give themselves
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


def board_name(facts: Mapping[str, str]) -> str:
    """The name that a board goes by, from its hello: 1 to 64 of A-Z a-z 0-9 . _ -, whatever it sent."""
    return _NOT_IN_A_NAME.sub("_", facts.get("name", ""))[:NAME_MAX] or "board"


def other_names(called: str) -> Iterator[str]:
    """The names that further boards which call themselves so are kept under, in order: NAME-2, NAME-3."""
    for number in NUMBERS:
        tail = f"-{number}"
        yield called[: NAME_MAX - len(tail)] + tail
