"""Sets of whole numbers that are mostly without holes: sorted ranges and binary search, no I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of int, kept as disjoint ranges (first, last), both included. Every look-up is a binary search."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __contains__(self, number: int) -> bool:
        i = bisect_right(self._firsts, number) - 1
        return i >= 0 and number <= self._lasts[i]

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    @property
    def highest(self) -> int:
        """The largest number in the set, 0 if it is empty."""
        return self._lasts[-1] if self._lasts else 0

    def reaches(self, number: int) -> bool:
        """True if all of 1..number are in the set."""
        return number < 1 or (bool(self._firsts) and self._firsts[0] <= 1 and self._lasts[0] >= number)

    def add(self, first: int, last: int) -> None:
        """Put first..last into the set."""
        if self._lasts and first == self._lasts[-1] + 1 and first <= last:
            self._lasts[-1] = last
            return
        start = bisect_left(self._lasts, first - 1)
        end = bisect_right(self._firsts, last + 1)
        if start < end:
            first = min(first, self._firsts[start])
            last = max(last, self._lasts[end - 1])
        self._firsts[start:end] = [first]
        self._lasts[start:end] = [last]

    def remove(self, number: int) -> None:
        """Take one number out; nothing happens if it is not in."""
        i = bisect_right(self._firsts, number) - 1
        if i < 0 or number > self._lasts[i]:
            return
        first, last = self._firsts[i], self._lasts[i]
        rest = [(a, b) for a, b in ((first, number - 1), (number + 1, last)) if a <= b]
        self._firsts[i : i + 1] = [a for a, _ in rest]
        self._lasts[i : i + 1] = [b for _, b in rest]

    def first_missing(self, start: int) -> tuple[int, int | None]:
        """The first hole at or above start; its end is None where it is open."""
        i = bisect_right(self._firsts, start) - 1
        if i >= 0 and start <= self._lasts[i]:
            start = self._lasts[i] + 1
        i += 1
        return start, self._firsts[i] - 1 if i < len(self._firsts) else None

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The holes within first..last, in order."""
        holes = []
        while first <= last:
            start, end = self.first_missing(first)
            if start > last:
                break
            end = last if end is None else min(end, last)
            holes.append((start, end))
            first = end + 1
        return holes
