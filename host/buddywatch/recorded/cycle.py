"""Where one reading ends and the next begins, in output that repeats. No I/O.

A reading ends where something begins that it already has. What was first to come again leads: where a line is lost, the
next date must not be taken for one of the reading before.
"""

from __future__ import annotations


class Cycle:
    def __init__(self) -> None:
        self._leader: str | None = None
        self._seen: set[tuple[str, object]] = set()
        self._kinds: set[str] = set()

    def begins_with(self, kind: str, key: object = None) -> bool:
        """True if this is the first item of the next reading. key: what may come once of a kind."""
        is_again = (kind, key) in self._seen
        if is_again and self._leader is None:
            self._leader = kind
        begins = is_again or (kind == self._leader and kind not in self._kinds and bool(self._seen))
        if begins:
            self._seen.clear()
            self._kinds.clear()
        self._seen.add((kind, key))
        self._kinds.add(kind)
        return begins
