"""The own rules (`[[rule]]`) of one board. No I/O.

A rule is judged at each snapshot. What the collector counts as it happens (reboots, lost frames, ...) is noted when it
happens, and judged at the next snapshot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from buddywatch.alerts import signals
from buddywatch.alerts.failure_news import is_chosen
from buddywatch.alerts.incidents import Incidents, moment_of
from buddywatch.alerts.own_values import Seen, value_of
from buddywatch.alerts.verdicts import Judged
from buddywatch.alerts.windows import Change, Count
from buddywatch.config.own_rules import WATCHED, OwnRule
from buddywatch.config.sections import Alert
from buddywatch.model.forecasts import NeedForecast
from buddywatch.model.links import LinkHealth
from buddywatch.model.samples import LOSSES, Boot, Event, Gap, Snapshot

_REFUSALS = ("alloc", "page", "more")  # kinds of events
_ONE_REQUEST_S = 1.0  # between two of the kernel's lines about one request
_LINK_VALUES = ("damaged_lines", "dropped_bytes", "reasked_frames")


class OwnRules:
    """incidents: those of the board."""

    def __init__(self, rules: Sequence[OwnRule], alert: Alert, incidents: Incidents, now: float) -> None:
        """now: nothing is known of what happened before, seconds since 1970."""
        self._rules = rules
        self._alert = alert
        self._incidents = incidents
        self._counts: dict[str, list[Count]] = {}  # by value
        self._count_of: dict[str, Count] = {}  # by rule
        self._change_of: dict[str, Change] = {}
        for rule in rules:
            self._watch(rule, now)
        self._forecasts: dict[str, NeedForecast] = {}
        self._last: tuple[str, float] = "", 0.0  # boot and uptime of the last snapshot
        self._interval_s = 0.0
        self._refusal: Event | None = None
        self._healths: dict[str, LinkHealth] = {}

    def _watch(self, rule: OwnRule, now: float) -> None:
        if rule.within_s is None:
            return
        if WATCHED[rule.value].is_counted:
            self._count_of[rule.name] = count = Count(rule.within_s, now)
            self._counts.setdefault(rule.value, []).append(count)
        else:
            self._change_of[rule.name] = Change(rule.within_s)

    def watched(self) -> set[tuple[str, str | None]]:
        """The (rule, need) pairs of the rules."""
        return {(rule.name, rule.need) for rule in self._rules}

    def happened(self, value: str, time: float, count: int = 1) -> None:
        """So many reboots, lost frames, ...: a counted value of config/own_rules.py."""
        for counter in self._counts.get(value, ()):
            counter.add(time, count)

    def know(self, events: Iterable[Event]) -> None:
        """Events that an earlier collector took."""
        for event in sorted(events, key=lambda one: one.time):
            self.take_event(event)

    def take_event(self, event: Event) -> None:
        """One of the kernel's messages. Two kinds of lines about one request are one refusal."""
        if event.kind == "kill" and not is_chosen(event):
            self.happened("kills", event.time)
        if event.kind not in _REFUSALS:
            return
        last, self._refusal = self._refusal, event
        is_same = last is not None and last.kind != event.kind and last.comm == event.comm
        if event.kind == "more" or not is_same or abs(event.time - (last.time if last else 0.0)) > _ONE_REQUEST_S:
            self.happened("failures", event.time, (event.number or 1) if event.kind == "more" else 1)

    def take_gap(self, gap: Gap) -> None:
        if gap.reason in LOSSES:
            self.happened("lost_frames", gap.time, gap.last - gap.first + 1)

    def take_health(self, url: str, health: LinkHealth, now: float) -> None:
        """How well one of the board's links carries data. Its counts begin at 0 when the link does."""
        before = self._healths.get(url, LinkHealth())
        self._healths[url] = health
        for value in _LINK_VALUES:
            count = getattr(health, value)
            more = count - getattr(before, value)
            if more or count:
                self.happened(value, now, more if more >= 0 else count)

    def take(self, boot: Boot, snapshot: Snapshot, judged: Judged, forecasts: Mapping[str, NeedForecast]) -> None:
        """Judge a snapshot. forecasts: new ones."""
        if not self._rules:
            return
        self._go_on(boot, snapshot)
        self._forecasts |= forecasts
        seen = Seen(boot, snapshot, judged, self._forecasts)
        for rule in self._rules:
            amount, is_whole = self._amount(rule, seen)
            level = level_of(rule, amount)
            if level != signals.BAD and not is_whole:
                level = None  # the rest of the time may hold more
            if level is None or (level == signals.GOOD and (rule.name, rule.need) not in self._incidents.active):
                continue
            signal = signals.Signal(rule.name, rule.need, level, rule.severity, text_of(rule, level, amount or 0.0))
            hold = self._samples(rule.for_s, self._alert.hold_samples)
            clear = self._samples(rule.clear_for_s, self._alert.clear_samples)
            self._incidents.apply(signal, moment_of(snapshot), hold, clear)

    def _go_on(self, boot: Boot, snapshot: Snapshot) -> None:
        (boot_id, last_s), uptime_s = self._last, snapshot.uptime_ms / 1000
        self._last = boot.boot_id, uptime_s
        if boot_id == boot.boot_id:
            return
        self._interval_s = signals.interval_s(boot.facts) or 0.0
        if not (boot.cause == "agent-restart" and uptime_s >= last_s):
            self._forecasts.clear()
            for change in self._change_of.values():
                change.clear()

    def _amount(self, rule: OwnRule, seen: Seen) -> tuple[float | None, bool]:
        """What the rule compares with its limit, and whether that is over the whole time."""
        time = seen.snapshot.time
        if rule.name in self._count_of:
            return self._count_of[rule.name].total(time)
        value = value_of(rule, seen)
        if value is None or rule.name not in self._change_of:
            return value, True
        return self._change_of[rule.name].take(time, value)

    def _samples(self, duration_s: int | None, otherwise: int) -> int:
        """Snapshots in this time: time without data does not count."""
        if duration_s is None or not self._interval_s:
            return otherwise
        return max(1, math.ceil(duration_s / self._interval_s))


def level_of(rule: OwnRule, amount: float | None) -> str | None:
    """BETWEEN: the limit is kept, but the level at which the alert ends is not reached."""
    if amount is None:
        return None
    sign = 1 if rule.above is not None else -1
    if sign * amount > sign * rule.limit:
        return signals.BAD
    return signals.GOOD if sign * amount <= sign * rule.clear_level else signals.BETWEEN


def text_of(rule: OwnRule, level: str, amount: float) -> str:
    """ "free memory 280 kB, below the limit of 300 kB"."""
    side = "above" if rule.above is not None else "below"
    if math.isinf(amount):
        return f"{rule.title}: nothing points to it any more"
    words = f"{rule.title}{':' if rule.within_s else ''} {rule.amount_words(amount)}"
    how = {signals.BAD: f"{side} the limit of", signals.BETWEEN: f"no longer {side}, but near"}
    return f"{words}, {how.get(level, f'no longer {side}')} {rule.words(rule.limit)}"
