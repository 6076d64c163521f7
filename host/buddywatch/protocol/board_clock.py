"""Wall time for a board that knows only its uptime. No I/O; the host's clock is handed in.

What arrives is late by what the line took, never early: the smallest (arrival - uptime) of the last minutes is the best
estimate of when the board started. The estimate moves (crystals drift by 100 ppm, the host's clock is set, a link gets
slower), but a time that was given is never contradicted: the clock is a line of knots that only rises, and frames that
are received late get their place between the ones that were there before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable

WINDOW_S = 600.0  # of uptime: how far back arrivals are looked at
SLEW = 0.1  # seconds of correction per second of uptime, at most
SLACK_S = 0.05  # smaller errors are left alone: the jitter of a serial line
CLOCK_WAS_SET_S = 86400.0  # no link delays this long: the host's clock was set. Forwards, it is followed at once
TINY_S = 0.001  # less than the resolution of an uptime
AHEAD_S = 300.0  # nothing arrives before it was made: times given so far ahead were those of a clock that was fast
KNOTS_MAX = 1024  # with 100 ppm of drift, SLACK_S is used up every 500 s: five days


class BoardClock:
    """The wall time (seconds since 1970) of each uptime (seconds) of one kernel boot."""

    def __init__(self, uptime_s: float, time: float, before: Iterable[tuple[float, float]] = ()) -> None:
        """uptime_s was at `time`. before: earlier (uptime_s, time) to go on from, ascending, as after a restart."""
        self._uptimes: list[float] = []
        self._times: list[float] = []
        for knot in (*before, (uptime_s, time)):
            self._add_knot(*knot)
        self.edge_s = self._uptimes[-1]  # the highest uptime that a time was given for
        self.is_ahead = False  # times were given that lie ahead of what arrives now: see restart()
        self._own_s = self.edge_s if len(self._uptimes) > 1 else 0.0  # times from this uptime on are of this process
        self._arrivals: deque[tuple[float, float]] = deque()  # (uptime_s, arrival - uptime_s), both ascending
        self._newest = float("-inf")

    def observe(self, uptime_s: float, arrival: float) -> None:
        """Something that was made at uptime_s has just arrived."""
        if uptime_s <= self._newest:
            return
        self._newest = uptime_s
        arrivals = self._arrivals
        late = arrival - uptime_s
        while arrivals and arrivals[-1][1] >= late:
            arrivals.pop()
        arrivals.append((uptime_s, late))
        while arrivals[0][0] < uptime_s - WINDOW_S:
            arrivals.popleft()
        if uptime_s > self.edge_s:
            self._correct(uptime_s, arrivals[0][1] + uptime_s)

    def restart(self, step_s: float) -> tuple[float, float, float] | None:
        """The host's clock was set by step_s, so that the times given since the start of this process are wrong.

        Returns (from_s, to_s, started): the right time of an uptime between these is started + uptime. Where the times
        before that contradict it, they were wrong as well, and from_s is 0. None: no time was given yet.
        """
        if not self._arrivals:
            return None
        started, from_s = self._arrivals[0][1] + step_s, self._own_s
        kept = [knot for knot in zip(self._uptimes, self._times, strict=True) if knot[0] < from_s]
        if kept:  # what lies between the last of them and from_s keeps its times
            last_s = from_s - TINY_S
            kept += [(last_s, self.wall(last_s))] if last_s > kept[-1][0] else []
        if kept and kept[-1][1] >= started + from_s:
            kept, from_s = [], 0.0
        self._uptimes, self._times = [uptime for uptime, _ in kept], [time for _, time in kept]
        self._add_knot(from_s, started + from_s)
        self._add_knot(self.edge_s, started + self.edge_s)
        self._arrivals = deque((uptime_s, late + step_s) for uptime_s, late in self._arrivals)
        self._own_s = self.edge_s if from_s else 0.0  # where all were given anew, another step is for all of them
        self.is_ahead = False
        return from_s, self.edge_s, started

    def wall(self, uptime_s: float) -> float:
        """The time of uptime_s, as far as is known now."""
        uptimes, times = self._uptimes, self._times
        if uptime_s >= uptimes[-1]:
            return times[-1] + (uptime_s - uptimes[-1])
        i = bisect_right(uptimes, uptime_s)
        if i == 0:
            return times[0] - (uptimes[0] - uptime_s)
        share = (uptime_s - uptimes[i - 1]) / (uptimes[i] - uptimes[i - 1])
        return times[i - 1] + share * (times[i] - times[i - 1])

    def assign(self, uptime_s: float) -> float:
        """wall(), for a value that is stored: later corrections leave this time as it is."""
        self.edge_s = max(self.edge_s, uptime_s)
        return self.wall(uptime_s)

    def _correct(self, uptime_s: float, true_time: float) -> None:
        error = true_time - self.wall(uptime_s)
        self.is_ahead = self.is_ahead or error < -AHEAD_S
        if abs(error) <= SLACK_S:
            return
        if error < CLOCK_WAS_SET_S:
            limit = SLEW * (uptime_s - self.edge_s)
            error = max(-limit, min(limit, error))
        time = self.wall(uptime_s) + error
        self._add_knot(self.edge_s, self.wall(self.edge_s))
        self._add_knot(uptime_s, time)
        self.edge_s = uptime_s

    def _add_knot(self, uptime_s: float, time: float) -> None:
        if self._uptimes and not (uptime_s > self._uptimes[-1] and time > self._times[-1]):
            return
        self._uptimes.append(uptime_s)
        self._times.append(time)
        if len(self._uptimes) > KNOTS_MAX:
            del self._uptimes[0], self._times[0]
