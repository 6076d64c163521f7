"""Decides which later kernel failures to report while the alert about the first one is open. Pure.

Another refused program, and each program that the OOM killer ends, is reported at once; the same failure again when its
count is ten times the last reported one. So a message says what is new, and a flood of lines makes few messages.
"""

from __future__ import annotations

from collections import Counter

from buddywatch.model.samples import Event

TIMES_MORE = 10
PROGRAMS_MAX = 64  # counted separately; processes choose their names, so there may be any number of them
# mm/oom_kill.c before 5.0 says which process it chose ("or a child", "or sacrifice child"), and then which it killed.
_CHOSEN = ("or a child", "or sacrifice child")


def is_chosen(event: Event) -> bool:
    """True for a line about the process that the OOM killer chose; one about the process that it ends follows."""
    return event.text.rstrip().endswith(_CHOSEN)


class FailureNews:
    """Counts the failures during one alert, including the one that opened it."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()  # by kind of line and program
        self._reported: dict[tuple[bool, str], int] = {}  # (killed, program) -> count at the last report

    def take(self, event: Event) -> str | None:
        """Text to add to the kernel's line in a message about this failure, may be ""; None: do not report it."""
        if event.kind == "oom" or is_chosen(event):
            return None  # the line about the victim follows
        program, is_kill = event.comm or "", event.kind == "kill"
        if (is_kill, program) not in self._reported and len(self._reported) >= PROGRAMS_MAX:
            program = "others"
        kind, times = ("alloc", event.number or 1) if event.kind == "more" else (event.kind, 1)
        self._counts[kind, program] += times
        count, reported = self._counts[kind, program], self._reported.get((is_kill, program), 0)
        if reported and count < TIMES_MORE * reported:
            return None
        self._reported[is_kill, program] = count
        return f", {count} times since this alert began" if reported else ""
