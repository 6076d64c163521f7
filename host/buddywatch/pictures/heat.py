"""How many free blocks of a size there were over time, as a row of characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SHADES = "░▒▓█"
SHADES_ASCII = "-+*#"
NONE, UNKNOWN = ("·", "."), " "
_FROM = (0.0, 2.0, 4.0, 8.0)  # blocks from which on a shade is used


def heat_row(counts: Sequence[float | None], unicode: bool = True) -> str:
    """A character for each count: a dot for none, darker for more."""
    shades = SHADES if unicode else SHADES_ASCII
    return "".join(UNKNOWN if count is None else _shade(count, shades, NONE[not unicode]) for count in counts)


def _shade(count: float, shades: str, none: str) -> str:
    if count <= 0:
        return none
    return shades[sum(count >= least for least in _FROM) - 1]


def parts_of(steps: Sequence[tuple[float, float]], since: float, until: float, columns: int) -> list[list[float]]:
    """The values of steps (time, value) by the part of the time since..until in which they lie, oldest first."""
    found: list[list[float]] = [[] for _ in range(columns)]
    for time, value in steps:
        if since <= time < until:
            found[min(columns - 1, int((time - since) * columns / (until - since)))].append(value)
    return found
