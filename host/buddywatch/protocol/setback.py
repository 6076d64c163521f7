"""A later boot with the id of the one before, over a link that stayed open: how its hellos show it. No I/O.

A board without entropy may give several boots one id. A link brings what a boot says in order, so that the uptime in
its hellos only rises. One with a lower uptime is either an old line that came twice (noise, a server that repeats its
buffer), or of a later boot. The agent is asked again: of a later boot, the uptime goes on from there as time does.
"""

from __future__ import annotations

from buddywatch.protocol.bounds import UPTIME_MAX_CS, whole_number
from buddywatch.protocol.frame import Hello

LOWER_CS = 100  # uptimes that differ by less may be of lines that were made at once
APART_S = 1.0  # between the two hellos at least: lines that came twice come in a moment
SLACK_S, SLACK_SHARE = 2.0, 0.1  # by which uptime and time may differ: a slow line, a crystal


class Setback:
    """Of one link, since it was opened."""

    def __init__(self) -> None:
        self._boot_id = ""
        self._highest_cs = 0
        self._lower: tuple[int, float] | None = None  # uptime of a hello that is too low, and when it came

    @property
    def is_doubtful(self) -> bool:
        """Whether another hello should be asked for."""
        return self._lower is not None

    def take(self, hello: Hello, monotonic_s: float) -> bool:
        """Whether this hello is of a later boot that has the id of the one before."""
        up_cs = whole_number(hello.facts.get("up", ""), UPTIME_MAX_CS)
        if up_cs is None:
            return False
        if hello.boot_id != self._boot_id or up_cs > self._highest_cs - LOWER_CS:
            self._begin(hello.boot_id, max(up_cs, self._highest_cs if hello.boot_id == self._boot_id else 0))
            return False
        if self._lower is None:
            self._lower = up_cs, monotonic_s
            return False
        lower_cs, since_s = self._lower
        passed_s, risen_s = monotonic_s - since_s, (up_cs - lower_cs) / 100
        if passed_s < APART_S:
            return False
        if abs(risen_s - passed_s) > SLACK_S + SLACK_SHARE * passed_s:
            self._lower = up_cs, monotonic_s
            return False
        self._begin(hello.boot_id, up_cs)
        return True

    def _begin(self, boot_id: str, up_cs: int) -> None:
        self._boot_id, self._highest_cs, self._lower = boot_id, up_cs, None
