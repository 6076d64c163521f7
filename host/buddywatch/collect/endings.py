"""Decides when an ended boot is closed: until then, links may still bring its frames. No I/O.

A boot is closed when all links of the board carry a newer boot, or when no frame of it came for a while: a link may
hang, or lead to another board with the same name, whose next snapshot shows that its boot still runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from buddywatch.model.samples import ENDING, BootEnd, Event, Snapshot
from buddywatch.protocol.boots import wire_id

GRACE_S = 10.0  # without a frame of an ended boot; a serial line at 9600 baud lags by a few seconds
GRACE_INTERVALS = 2  # and this many polls


class Endings:
    """The boots of one board that are ENDING. Times are seconds of the steady clock, except BootEnd.time."""

    def __init__(self, stored: Iterable[BootEnd], time: float, monotonic_s: float) -> None:
        """stored: from before this collector started; the links of that time are unknown now."""
        self._since_s: dict[str, float] = {}
        self._stored = set()
        for end in stored:
            passed_s = min(max(0.0, time - end.time), GRACE_S)
            self._since_s[end.boot_id] = monotonic_s - passed_s
            self._stored.add(end.boot_id)

    def take(self, values: Iterable[object], monotonic_s: float) -> None:
        """Items came from the board."""
        for value in values:
            if isinstance(value, BootEnd):
                self._since_s.pop(value.boot_id, None)
                if value.state == ENDING:
                    self._since_s[value.boot_id] = monotonic_s
            elif isinstance(value, Snapshot | Event) and value.boot_id in self._since_s:
                self._since_s[value.boot_id] = monotonic_s

    def over(self, carried: Collection[str | None], interval_s: float, monotonic_s: float) -> list[str]:
        """The boots to close. carried: the boot id that came last over each of the board's links."""
        grace_s = _grace_s(interval_s)
        return [
            boot_id
            for boot_id, since_s in self._since_s.items()
            if monotonic_s - since_s >= grace_s or not (boot_id in self._stored or wire_id(boot_id) in carried)
        ]

    def forget(self, boot_id: str) -> None:
        """The boot is closed."""
        self._since_s.pop(boot_id, None)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._since_s))

    def __len__(self) -> int:
        return len(self._since_s)

    def due_s(self, interval_s: float) -> float:
        """When over() will return a boot, if no frame comes before; infinity if no boot is ENDING."""
        return min(self._since_s.values(), default=float("inf")) + _grace_s(interval_s)


def _grace_s(interval_s: float) -> float:
    return GRACE_S + GRACE_INTERVALS * interval_s
