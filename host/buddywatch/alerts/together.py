"""Decides which boards share a message, and how many messages go out: one cause, one message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.alerts.plan import MAIL_INTERVAL_BATCHES, Plan, View, has_passed
from buddywatch.config.sections import Alert
from buddywatch.model.alerts import FIRING, SILENT

TOGETHER_MIN = 3  # so many boards at once share a message; one or two have messages of their own, with all details
BURST = 3  # messages within MAIL_INTERVAL_BATCHES; those after it wait, and go as one
GATHER_BATCHES = 3  # of batch_s: how long a message about silent boards waits for further ones
HOUR_S = 3600.0


@dataclass(frozen=True)
class Due:
    """A board, and what there is to report about it."""

    board: str
    view: View
    plan: Plan


def groups(
    due: Sequence[Due], views: Sequence[View], sent: Sequence[float], alert: Alert, now: float
) -> list[list[Due]]:
    """The messages to make now: the boards of each. What is left out is due again at the next call.

    views: of all boards with something unreported. sent: when the messages of the last hour were made.
    """
    ready = [one for one in due if not _waits_for_others(one, views, alert, now)]
    if not ready or _left(sent, alert, now) <= 0:
        return []
    is_limited = len(ready) > _left(sent, alert, now) or len(ready) >= TOGETHER_MIN
    return [ready] if is_limited else [[one] for one in ready]


def free_at(sent: Sequence[float], alert: Alert, now: float) -> float:
    """When the next message may go: now, or when one of the earlier ones is long enough ago."""
    at = now
    for span_s, most in _limits(alert):
        within = sorted(time for time in sent if not has_passed(span_s, time, now))
        if most and len(within) >= most:
            at = max(at, within[-most] + span_s)
    return at


def _left(sent: Sequence[float], alert: Alert, now: float) -> int:
    """How many messages may go now."""
    counts = [most - sum(not has_passed(span_s, time, now) for time in sent) for span_s, most in _limits(alert) if most]
    return min(counts, default=len(sent) + TOGETHER_MIN)


def _limits(alert: Alert) -> tuple[tuple[float, int], ...]:
    """(seconds, how many messages at most); 0: any number."""
    return (MAIL_INTERVAL_BATCHES * alert.batch_s, BURST), (HOUR_S, alert.per_hour)


def _waits_for_others(one: Due, views: Sequence[View], alert: Alert, now: float) -> bool:
    """True while further boards fall silent: one message will report them all."""
    own = _fell_silent(one.view)
    if not own or len(own) < len(one.plan.report) or has_passed(GATHER_BATCHES * alert.batch_s, min(own), now):
        return False
    newest = max(noted for view in views for noted in _fell_silent(view))
    return not has_passed(alert.batch_s, newest, now)


def _fell_silent(view: View) -> list[float]:
    return [noted for change, noted in view.unreported if change.rule == SILENT and change.to == FIRING]
