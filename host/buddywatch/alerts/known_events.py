"""Recognises a board's kernel messages that are already known, so that each counts once.

An agent that restarts reads the whole kernel log again, and on a serial line the console shows the same lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from buddywatch.model.memory_map import MAP_KINDS
from buddywatch.model.samples import REBOOT, Boot, Event

EVENTS_MAX = 4096  # of one kernel boot: more lines than the kernel's log buffer holds
SAME_S = 60.0  # two events without uptimes and with the same text are the same one if they came within this time


@dataclass
class _Line:
    """A line of the kernel's log. seqs: agent boot -> the frame with the line; empty if it came from the console."""

    event: Event
    seqs: dict[str, int] = field(default_factory=dict)

    def is_brought_by(self, event: Event) -> bool:
        """True if this frame brought the line. An agent reads its log once: equal lines in two frames are two lines."""
        if not _is_same(event, self.event):
            return False
        return event.seq is None or self.seqs.get(event.boot_id, event.seq) == event.seq


class _Kernel:
    """The log lines of one boot of the kernel, by text."""

    def __init__(self, kboot: str) -> None:
        self.kboot = kboot
        self._by_text: dict[str, list[_Line]] = {}
        self._count = 0

    def has(self, event: Event) -> bool:
        line = next((line for line in self._by_text.get(event.text, ()) if line.is_brought_by(event)), None)
        if line is not None and event.seq is not None:
            line.seqs[event.boot_id] = event.seq
        return line is not None

    def add(self, event: Event) -> None:
        line = _Line(event, {} if event.seq is None else {event.boot_id: event.seq})
        self._by_text.setdefault(event.text, []).append(line)
        self._count += 1
        if self._count > EVENTS_MAX:
            oldest = next(iter(self._by_text))
            self._count -= len(self._by_text.pop(oldest))


class KnownEvents:
    """The events of a board's newest kernel boot, and of the one before, since a slower link may still bring some."""

    def __init__(self, boots: Iterable[Boot] = (), events: Iterable[Event] = ()) -> None:
        """boots: the agent's boots in the newest kernel boot, oldest first. events: of these boots."""
        self._kernel = _Kernel("-")
        self._of_boot: dict[str, _Kernel] = {}  # by the agent's boots
        self._before: dict[str, _Kernel] = {}
        for boot in boots:
            self._kernel.kboot = boot.facts.get("kboot", "-")
            self._of_boot[boot.boot_id] = self._kernel
        for event in events:
            self._kernel.add(event)

    def begin(self, boot: Boot) -> None:
        """A new boot of the agent was heard."""
        if boot.boot_id in self._of_boot or boot.boot_id in self._before:
            return
        kboot = boot.facts.get("kboot", "-")
        # On a board without entropy, several boots of its kernel may have the same id.
        same = boot.cause == "agent-restart" or (kboot != "-" and kboot == self._kernel.kboot)
        if not (self._of_boot and same) or boot.cause == REBOOT:
            self._before, self._of_boot = self._of_boot, {}
            self._kernel = _Kernel(kboot)
        self._of_boot[boot.boot_id] = self._kernel

    def is_of_newest_kernel(self, boot_id: str) -> bool:
        """True if this agent boot is in the newest boot of the kernel."""
        return boot_id in self._of_boot

    def is_copy(self, event: Event) -> bool:
        """True if the event is already known; afterwards it is. False for maps and starts, and for an event of an
        unknown boot."""
        if event.kind in MAP_KINDS:
            return False
        kernel = self._of_boot.get(event.boot_id) or self._before.get(event.boot_id)
        if kernel is None:
            return False
        if kernel.has(event):
            return True
        kernel.add(event)
        return False


def _is_same(event: Event, other: Event) -> bool:
    if event.uptime_ms is None or other.uptime_ms is None:
        return abs(event.time - other.time) <= SAME_S
    return event.uptime_ms == other.uptime_ms
