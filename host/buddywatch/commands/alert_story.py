"""`buddywatch alerts --explain ID`: the snapshots, holds and decisions behind one alert, and the messages about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from buddywatch.alerts.own_values import Seen, value_of
from buddywatch.alerts.verdicts import Verdicts
from buddywatch.commands import CommandError
from buddywatch.config.own_rules import OwnRule
from buddywatch.config.sections import Config
from buddywatch.model.alerts import FIRING, REFUSED, REFUSED_WITHIN, TIGHT, Incident, OutboxRow, Transition
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Boot, Event, Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_clock, local_time, one_line, rough_duration, table
from buddywatch.text.units import format_duration
from buddywatch.verdict.judge import board_state

BEFORE_S = 3600.0  # how long before its beginning an alert may have been pending
AROUND_S = 60.0  # snapshots so long before and after each change
SNAPSHOTS_SHOWN = 24
_OF_NEEDS = (REFUSED, TIGHT, REFUSED_WITHIN)


@dataclass(frozen=True)
class Story:
    """snapshots: with the need's verdict, where the alert is about one. named: the board's name in the configuration.

    own: the own rule, as it is configured now; values: of each snapshot, what it looks at.
    """

    incident: Incident
    changes: tuple[Transition, ...]
    snapshots: tuple[tuple[Snapshot, NeedState | None], ...]
    kernel_lines: tuple[Event, ...]
    messages: tuple[OutboxRow, ...]
    acknowledged: str | None
    named: str
    own: OwnRule | None = None
    values: tuple[float | None, ...] = ()


def story_of(store: Store, config: Config, number: int, now: float) -> Story:
    """Everything that is stored about this alert. CommandError: there is none with this number."""
    incident = store.incident(number)
    if incident is None:
        raise CommandError(f"--explain {number}: no alert has this number; `buddywatch alerts` lists them")
    board, end = incident.board, incident.closed or now
    about = [
        change
        for change in store.transitions(board, incident.opened - BEFORE_S)
        if (change.rule, change.need) == (incident.rule, incident.need) and change.time <= end
    ]
    changes = [change for change in about if change.incident_id == number]
    first = next((at for at, change in enumerate(about) if change.incident_id == number), len(about))
    pending = [change for change in about[max(0, first - 1) : first] if change.incident_id is None]
    changes = pending + changes
    events = store.events(board, incident.opened - AROUND_S, end + AROUND_S)
    boot = store.latest_boot(board) or Boot("", {}, 0.0, "first")
    named = config.name_of(board, boot.facts)
    snapshots = _judged(store, config, incident, changes)
    own = next((rule for rule in config.rules if rule.name == incident.rule), None)
    return Story(
        incident,
        tuple(changes),
        tuple(snapshots),
        tuple(event for event in events if event.kind in KERNEL_FAILURE_KINDS)[:SNAPSHOTS_SHOWN],
        tuple(store.messages_about(incident)),
        store.acknowledged([number]).get(number),
        named,
        own,
        tuple(_value(own, config, named, boot, shot) for shot, _ in snapshots) if own else (),
    )


def _value(own: OwnRule, config: Config, named: str, boot: Boot, shot: Snapshot) -> float | None:
    """What an own rule looked at in a snapshot."""
    verdicts = Verdicts(config.needs_of(named), config.board(named), ())
    verdicts.learn(replace(boot, boot_id=shot.boot_id))
    return value_of(own, Seen(boot, shot, verdicts.of(shot)))


def _judged(
    store: Store, config: Config, incident: Incident, changes: list[Transition]
) -> list[tuple[Snapshot, NeedState | None]]:
    """The snapshots nearest to the first change, to the beginning of the alert and to the newest change."""
    boot = store.latest_boot(incident.board)
    facts = boot.facts if boot else {}
    named = config.name_of(incident.board, facts)
    settings = config.board(named)
    needs = [need for need in config.needs_of(named) if need.name == incident.need and incident.rule in _OF_NEEDS]
    began = [change for change in changes if change.to == FIRING]
    times = [change.time for change in (*changes[:1], *began[:1], *changes[-1:])]
    found: dict[tuple[str, int], tuple[float, Snapshot]] = {}
    for time in times:
        for shot in store.snapshots(incident.board, time - AROUND_S, time + AROUND_S):
            distance_s = min(abs(shot.time - one) for one in times)
            found.setdefault((shot.boot_id, shot.seq), (distance_s, shot))
    nearest = sorted(found.values(), key=lambda pair: pair[0])[:SNAPSHOTS_SHOWN]
    shown = sorted((shot for _, shot in nearest), key=lambda shot: shot.time)
    states = [board_state(shot, facts, needs, settings.rule, settings.page_bytes) for shot in shown]
    return [(shot, state.needs[0] if state.needs else None) for shot, state in zip(shown, states, strict=True)]


def story_lines(story: Story, config: Config, now: float) -> list[str]:
    incident = story.incident
    about = f"{incident.rule}{f' of {escaped(incident.need)}' if incident.need else ''}"
    lasted = rough_duration((incident.closed or now) - incident.opened)
    state = f"open for {lasted}" if incident.closed is None else f"over after {lasted}"
    lines = [f"alert {incident.id} of {escaped(incident.board)}: {about}, {incident.severity}, {state}"]
    lines += [f"  {one_line(incident.text)}"]
    lines += [f"  {line}" for line in _condition(story, config)]
    lines += [f"  looked after: {one_line(story.acknowledged)}"] if story.acknowledged else []
    rows = [
        [local_time(change.time), f"{change.from_} -> {change.to}", _frame(change.seq), one_line(change.text)]
        for change in story.changes
    ]
    lines += ["", "decisions", *table([["when", "change", "frame", "why"], *rows])]
    lines += ["", "snapshots around them", *table(_snapshot_rows(story))] if story.snapshots else []
    kernel = [f"{local_clock(event.time)}  {escaped(event.text)}" for event in story.kernel_lines]
    lines += ["", "kernel messages", *kernel] if kernel else []
    return [*lines, "", "messages", *_message_lines(story.messages)]


def _condition(story: Story, config: Config) -> list[str]:
    """When an alert of this rule begins and ends."""
    alert, own = config.alert_of(story.named), story.own
    if own is None and story.incident.rule not in _OF_NEEDS:
        return []
    begins, ends = (
        f"{alert.hold_samples} bad snapshots (hold_samples)",
        f"{alert.clear_samples} good ones (clear_samples)",
    )
    if own is None:
        return [f"it begins after {begins}, and ends after {ends}"]
    begins = begins if own.for_s is None else format_duration(own.for_s)
    ends = ends if own.clear_for_s is None else format_duration(own.clear_for_s)
    back = "" if own.clear is None else f" at {own.words(own.clear_level)}"
    return [f"own rule: {own.condition}; it begins after {begins}, and ends after {ends}{back}"]


def _frame(seq: int | None) -> str:
    return "" if seq is None else str(seq)


def _snapshot_rows(story: Story) -> list[list[str]]:
    what = ["value", ""] if story.own else ["verdict", "margin"]
    rows = [["when", "frame", *what, "free blocks of 1, 2, 4 ... pages"]]
    for number, (shot, need) in enumerate(story.snapshots):
        before = story.snapshots[number - 1][0] if number else None
        if before is not None and (before.boot_id, before.seq + 1) != (shot.boot_id, shot.first_seq):
            rows.append(["...", *[""] * (len(rows[0]) - 1)])
        verdict = (need.verdict or "unknown") if need else ""
        margin = str(need.margin_pages) if need and need.margin_pages is not None else ""
        if story.own:
            amount = story.values[number]
            verdict, margin = "unknown" if amount is None else story.own.words(amount), ""
        blocks = "; ".join(" ".join(map(str, zone.nr_free)) for zone in shot.zones)
        rows.append([local_clock(shot.time), str(shot.seq), verdict, margin, blocks])
    return rows


def _message_lines(messages: tuple[OutboxRow, ...]) -> list[str]:
    if not messages:
        return ["none: it was muted, covered by a graver alert, or nobody gets messages"]
    rows = [
        [local_time(row.created), row.channel, row.state, one_line(row.message.subject if row.message else row.damage)]
        for row in messages
    ]
    return table([["made", "channel", "state", "subject"], *rows])


def story_json(story: Story) -> dict[str, Any]:
    messages = [
        {"id": row.id, "channel": row.channel, "created": row.created, "state": row.state, "sent_at": row.sent_at,
         "last_error": row.last_error, "subject": row.message.subject if row.message else None}
        for row in story.messages
    ]  # fmt: skip
    return {
        "alert": {**asdict(story.incident), "acknowledged": story.acknowledged},
        "changes": [
            {key.rstrip("_"): value for key, value in asdict(change).items()} for change in story.changes
        ],
        "snapshots": [
            {"boot_id": shot.boot_id, "seq": shot.seq, "time": shot.time, "verdict": need.verdict if need else None,
             "margin_pages": need.margin_pages if need else None, "zones": [asdict(zone) for zone in shot.zones]}
            for shot, need in story.snapshots
        ],
        "rule": asdict(story.own) if story.own else None,
        "values": list(story.values),
        "kernel_lines": [asdict(event) for event in story.kernel_lines],
        "messages": messages,
    }  # fmt: skip
