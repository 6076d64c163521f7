"""The names under which boards are kept that all call themselves the same: NAME, NAME-2, NAME-3. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from buddywatch.protocol.frame import NAME_MAX

NUMBERS = range(2, 100)  # behind a name


def other_names(called: str) -> Iterator[str]:
    """The names that further boards which call themselves so are kept under, in order."""
    for number in NUMBERS:
        tail = f"-{number}"
        yield called[: NAME_MAX - len(tail)] + tail
