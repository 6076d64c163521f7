"""How much a value changed within a time, and how often something happened within it. No I/O.

Of each only a few points are kept, so a long time costs no more than a short one; a time is right to 1/64 of itself.
"""

from __future__ import annotations

from collections import deque

PARTS = 64  # of the time, each with one point


class Change:
    """Of a value that each snapshot has."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._points: deque[tuple[float, float]] = deque()  # (time, value), the first of each part

    def take(self, time: float, value: float) -> tuple[float, bool]:
        """Add a value. Returns its change, and whether that is over the whole time; else over what is known."""
        points, within_s = self._points, self._within_s
        while points and points[-1][0] > time:
            points.pop()  # the clock was set back
        while len(points) > 1 and points[1][0] <= time - within_s:
            points.popleft()
        if not points or time - points[-1][0] >= within_s / PARTS:
            points.append((time, value))
        began, first = points[0]
        return value - first, time - began >= within_s

    def clear(self) -> None:
        """What came before has nothing to do with what follows."""
        self._points.clear()


class Count:
    """Of what happens now and then."""

    def __init__(self, within_s: float, since: float) -> None:
        """since: what happened before is not known."""
        self._within_s = within_s
        self._since = since
        self._parts: deque[tuple[float, float]] = deque()  # (time of the first, how many)

    def add(self, time: float, count: float) -> None:
        if self._parts and 0 <= time - self._parts[-1][0] < self._within_s / PARTS:
            began, before = self._parts[-1]
            self._parts[-1] = began, before + count
        else:
            self._parts.append((time, count))
            if len(self._parts) > 2 * PARTS:  # the times went back and forth
                self._parts.popleft()

    def total(self, time: float) -> tuple[float, bool]:
        """How often it happened before this time, and whether that is over the whole time."""
        oldest = time - self._within_s
        while self._parts and self._parts[0][0] <= oldest:
            self._parts.popleft()
        return sum(count for at, count in self._parts if oldest < at), self._since <= oldest
