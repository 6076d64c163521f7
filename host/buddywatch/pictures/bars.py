"""A row of numbers as a row of characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"  # lower one eighth block ... full block
STEPS_ASCII = ".:-=+*#@"  # darker for more
FULL = (STEPS[-1], STEPS_ASCII[-1])
_BELOW = "_"  # below 0: refused


def bars(values: Sequence[float | None], top: float | None = None, unicode: bool = True) -> str:
    """A character for each value from 0 to top (the largest, at least 1); None, not known, is a blank."""
    known = [value for value in values if value is not None]
    highest = max([1.0, *known]) if top is None else max(top, 1.0)
    steps = STEPS if unicode else STEPS_ASCII
    return "".join(" " if value is None else _bar(value, highest, steps) for value in values)


def _bar(value: float, highest: float, steps: str) -> str:
    if value < 0:
        return _BELOW
    return steps[min(len(steps) - 1, int(value * len(steps) / highest))]


def spread(points: Sequence[tuple[float, float]], span_s: float, columns: int) -> list[float | None]:
    """points (seconds ago, value; oldest first) as the least value of each of so many equal parts of span_s (more than
    0), oldest first. A part without a point has the value before it; those before the first point are not known.
    """
    found: list[float | None] = [None] * columns
    for ago_s, value in points:
        at = max(0, columns - 1 - int(columns * max(0.0, ago_s) / span_s))
        known = found[at]
        found[at] = value if known is None else min(known, value)
    last: float | None = None
    for at, kept in enumerate(found):
        found[at] = last = last if kept is None else kept
    return found
