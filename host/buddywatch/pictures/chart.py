"""A number over time as rows of characters, with what a forecast expects behind it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.pictures.bars import FULL, STEPS, STEPS_ASCII

AHEAD, NOW, ZERO = ("·", "."), ("┊", "|"), ("_", "_")  # with Unicode, in ASCII


def area(values: Sequence[float | None], rows: int, top: float, unicode: bool = True) -> list[str]:
    """rows lines, the upper one first: columns from 0 to top, each a value. What is below 0 stands as _ on the floor;
    what is not known is blank."""
    steps = STEPS if unicode else STEPS_ASCII
    full = FULL[not unicode]
    heights = [None if value is None else value * rows * len(steps) / max(top, 1e-9) for value in values]
    lines = []
    for row in reversed(range(rows)):
        floor = row * len(steps)
        lines.append("".join(_cell(height, floor, steps, full, row == 0) for height in heights))
    return lines


def _cell(height: float | None, floor: int, steps: str, full: str, is_lowest: bool) -> str:
    if height is None:
        return " "
    if height < 0:
        return "_" if is_lowest else " "
    over = int(height) - floor
    if over >= len(steps):
        return full
    if is_lowest:
        return steps[max(0, min(len(steps) - 1, over))]
    return steps[over - 1] if over > 0 else " "


def ahead(
    now: float, fails_at: float | None, low_at: float | None, high_at: float | None, span: float, columns: int
) -> list[tuple[float | None, float | None, float | None]]:
    """(lowest, expected, highest) of each of so many parts of the time ahead: straight from `now` to 0.

    fails_at, low_at, high_at: when 0 is reached, in the unit of span; None: later than can be said.
    """
    found = []
    for column in range(columns):
        at = span * (column + 1) / columns
        found.append((_down(now, low_at, at), _down(now, fails_at, at), _down(now, high_at, at)))
    return found


def _down(now: float, zero_at: float | None, at: float) -> float | None:
    if zero_at is None:
        return None
    return 0.0 if zero_at <= at else now * (1 - at / zero_at)


def dotted(values: Sequence[float | None], rows: int, top: float, unicode: bool = True) -> list[str]:
    """rows lines, the upper one first, with a dot at the height of each value."""
    dot = AHEAD[not unicode]
    places = [None if value is None else min(rows - 1, max(0, int(value * rows / max(top, 1e-9)))) for value in values]
    return ["".join(dot if place == row else " " for place in places) for row in reversed(range(rows))]
