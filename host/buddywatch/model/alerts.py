"""What rules, store and notify pass to each other about alerts: plain values.

An incident is one problem of a board, from the first time that its rule fires to the end. A transition is one change
of a rule's state. A message goes to the user; it reports transitions or, as a reminder, incidents that are still open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.samples import Boot, BootEnd, Event, Piece, Snapshot

# States of a rule. NOTED is not a state: it marks a one-time event (a reboot, a loss, news about an open incident).
OK, PENDING, FIRING, CLEARING = "ok", "pending", "firing", "clearing"
NOTED = "noted"

REFUSED, TIGHT, REFUSED_WITHIN, KERNEL_FAILURE, SILENT, REBOOTED, LOST = (
    "refused",
    "tight",
    "refused_within",
    "kernel_failure",
    "silent",
    "rebooted",
    "lost",
)
RULES = (KERNEL_FAILURE, REFUSED, TIGHT, REFUSED_WITHIN, SILENT, REBOOTED, LOST)  # most serious first
_RULE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
ALL = "all"  # stands for each rule; no rule is called so
COVERED_BY_REFUSED = (TIGHT, REFUSED_WITHIN)  # not reported while the same need is refused
ENDS_TOGETHER_S = 60.0  # `tight` ends a few snapshots after `refused`

CRITICAL, WARNING, OFF = "critical", "warning", "off"


@dataclass(frozen=True)
class RuleState:
    """The state of a rule for one need (or the board). count: samples since PENDING or CLEARING began.

    incident_id: of the open incident, while FIRING or CLEARING.
    """

    phase: str = OK
    count: int = 0
    incident_id: int | None = None


@dataclass(frozen=True)
class RulesHistory:
    """What the rules must know about a board when a collector starts.

    states: by (rule, need); a rule that is not listed is OK. boots: from the one that is being judged on, oldest first,
    each with its pieces that are not judged yet. judged: the last frame judged of each, 0 if not listed. earlier: boots
    before them. kernel_boots, kernel_events: the agent's boots in the newest kernel boot, and its kernel messages.
    failing_since: when the incident about the kernel's failures opened, None if none is open.
    heard: when the newest snapshot was made, seconds since 1970, None if there is none. endings: boots that are ENDING.
    followers: boots that were heard after these. margins: the margins of the present kernel boot, as they were recorded
    last; unrecorded: the snapshots judged since then, by boot, oldest first, as far as they are read.
    """

    states: Mapping[tuple[str, str | None], RuleState]
    boots: tuple[tuple[Boot, tuple[Piece, ...]], ...] = ()
    judged: Mapping[str, int] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    kernel_boots: tuple[Boot, ...] = ()
    kernel_events: tuple[Event, ...] = ()
    heard: float | None = None
    failing_since: float | None = None
    endings: tuple[BootEnd, ...] = ()
    followers: tuple[Boot, ...] = ()
    margins: tuple[MarginRecord, ...] = ()
    unrecorded: tuple[tuple[Boot, tuple[Snapshot, ...]], ...] = ()


@dataclass(frozen=True)
class Incident:
    """state: FIRING or CLEARING while it lasts, then OK (recovered) or NOTED. need: the need's name, None for a rule
    about the board. Times are seconds since 1970; opened and closed by the board's time. message_id: of the first mail
    about it, None before; last_reported: when the last message about it was made."""

    id: int
    board: str
    rule: str
    need: str | None
    severity: str
    state: str
    opened: float
    closed: float | None
    text: str
    message_id: str | None
    last_reported: float | None


@dataclass(frozen=True)
class Transition:
    """One change of a rule's state. time: when it happened on the board; late: True if it was received much later.

    incident_id: None before the rule fired. seq, boot_id, uptime_ms: of the snapshot or event that caused it.
    """

    id: int
    incident_id: int | None
    board: str
    rule: str
    need: str | None
    from_: str
    to: str
    severity: str
    time: float
    seq: int | None
    boot_id: str | None
    uptime_ms: int | None
    text: str
    late: bool


@dataclass(frozen=True)
class Silence:
    """Alerts of this rule and need are muted from `created` until `until`. rule, need: None means all.

    board: a name, or a pattern with * or ?.
    """

    id: int
    board: str
    rule: str | None
    need: str | None
    created: float
    until: float
    comment: str


def is_pattern(board: str) -> bool:
    """True if a silence for this board may apply to several."""
    return any(sign in board for sign in "*?[")


def mutes(silence: Silence, board: str, rule: str, need: str | None, now: float) -> bool:
    """True if the silence mutes this alert at the moment."""
    is_meant = silence.rule in (None, rule) and silence.need in (None, need)
    return is_meant and is_about(silence, board) and silence.created <= now < silence.until


def is_about(silence: Silence, board: str) -> bool:
    """True if the silence applies to this board."""
    return silence.board == board or (is_pattern(silence.board) and fnmatchcase(board, silence.board))


@dataclass(frozen=True)
class Beginning:
    """An alert began, or something happened once. time: when; noted: when the rule was evaluated, perhaps later."""

    rule: str
    need: str | None
    time: float
    noted: float
    is_reported: bool


@dataclass(frozen=True)
class Repeat:
    """An alert that began `count` times since then."""

    rule: str
    need: str | None
    count: int
    since: float


@dataclass(frozen=True)
class Occasion:
    """Why a message is made: the transitions that it reports, oldest first (none in a reminder), and the incidents.

    references: the ids of earlier messages about the same incidents, oldest first. repeats: what comes and goes.
    held_since: since when no message could go, because too many had gone.
    """

    board: str
    time: float
    transitions: tuple[Transition, ...]
    incidents: tuple[Incident, ...]
    references: tuple[str, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    held_since: float | None = None


@dataclass(frozen=True)
class Message:
    """A message ready to be sent. payload: for hooks, fits JSON. message_id: with its angle brackets. references: ids
    of earlier messages, oldest first; this message is a reply to the last."""

    subject: str
    body: str
    payload: dict[str, Any] = field(hash=False)
    message_id: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """What a channel gets: messages with something of these severities, about these boards (None: all; or patterns)."""

    channel: str
    severities: tuple[str, ...] = (CRITICAL, WARNING)
    boards: tuple[str, ...] | None = None

    def takes(self, board: str, severity: str) -> bool:
        """severity: the gravest of what there is to report, CRITICAL or WARNING."""
        return (
            self.boards is None or any(fnmatchcase(board, pattern) for pattern in self.boards)
        ) and severity in self.severities


# States of a message in the outbox.
WAITING, SENDING, SENT, FAILED = "waiting", "sending", "sent", "failed"


@dataclass(frozen=True)
class OutboxRow:
    """A message to send through one channel, "mail" or "hook:NAME". attempts: so far, the current one included.

    message: None if the stored row cannot be read; damage says why. recipients: those who still have to get it, () for
    all.
    """

    id: int
    channel: str
    created: float
    board: str
    message: Message | None
    state: str
    attempts: int
    next_try: float
    last_error: str | None
    sent_at: float | None
    damage: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelHealth:
    """How well a channel works. failures: attempts in a row that failed because of the channel itself, since `since`.

    next_try: not before, whatever waits. reported: when other channels reported it, None if they did not.
    """

    failures: int = 0
    since: float = 0.0
    next_try: float = 0.0
    last_error: str = ""
    reported: float | None = None


def names_need(kernel_text: str, need: str | None) -> bool:
    """True if the text of a kernel failure is about the program with the need's name."""
    return f"({need})" in kernel_text or kernel_text.startswith(f"kernel: {need}:")


def is_rule(name: str) -> bool:
    """True for what a rule may be called: one of RULES, or an own one, which may be gone from the configuration."""
    return _RULE_NAME.fullmatch(name) is not None


def rule_rank(rule: str) -> int:
    """The place of a rule when the most serious comes first; unknown rules come last."""
    return RULES.index(rule) if rule in RULES else len(RULES)


def without_covered(incidents: Iterable[Incident]) -> list[Incident]:
    """What is shown of incidents: one refused need is one line.

    A tight need and a forecast are left out if `refused` was open for the same need when they began, or is open now,
    and if they did not outlast it.
    """
    known = list(incidents)
    refused: dict[tuple[str, str | None], list[Incident]] = {}
    for incident in known:
        if incident.rule == REFUSED:
            refused.setdefault((incident.board, incident.need), []).append(incident)
    return [
        one
        for one in known
        if one.rule not in COVERED_BY_REFUSED
        or not any(_covers(other, one) for other in refused.get((one.board, one.need), ()))
    ]


def _covers(refused: Incident, other: Incident) -> bool:
    if refused.closed is None:
        return other.closed is None or other.opened >= refused.opened
    ended_with_it = other.closed is not None and other.closed - refused.closed <= ENDS_TOGETHER_S
    return ended_with_it and refused.opened <= other.opened <= refused.closed
