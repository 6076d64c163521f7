"""What a report says of one board: how it is, what changed against the span before, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.config.sections import Config
from buddywatch.model.alerts import KERNEL_FAILURE, NOTED, REFUSED, Incident, without_covered
from buddywatch.model.samples import LOSSES, Boot
from buddywatch.pictures.board_picture import FAILURE, REBOOT, BoardPicture, NeedCourse
from buddywatch.report.picture import picture_of
from buddywatch.store.store import Store
from buddywatch.terminal.view import BoardLine, NeedLine
from buddywatch.text.document import Part
from buddywatch.text.escape import brief_duration, counted, one_line, rough_duration
from buddywatch.text.forecast_words import in_about
from buddywatch.text.state_words import kernel_words
from buddywatch.text.units import format_bytes

INCIDENTS_MAX = 20
_EXPLAINED = (REFUSED, KERNEL_FAILURE)


@dataclass(frozen=True)
class BoardReport:
    """urgency: as in terminal/view.py. changes: against the span before. why: the newest failure, explained in the
    words of `explain`; why_at: when. tables: (title, lines with aligned columns) of other commands."""

    name: str
    urgency: int
    sentence: str
    kernel: str
    changes: tuple[str, ...]
    incidents: tuple[Incident, ...]
    more_incidents: int
    picture: BoardPicture
    why: tuple[Part, ...] = ()
    why_at: float | None = None
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()


def board_report(
    store: Store,
    config: Config,
    line: BoardLine,
    since: float,
    until: float,
    tables: Sequence[tuple[str, tuple[str, ...]]] = (),
) -> BoardReport:
    """line: the board as the live view shows it now."""
    name = line.name
    picture = picture_of(store, config, name, since, until)
    before = picture_of(store, config, name, since - (until - since), since)
    found = [one for one in store.incidents_since(name, since) if one.opened < until]
    earlier = [one for one in store.incidents_since(name, before.since) if before.since <= one.opened < since]
    shown = without_covered(found)  # a refused need is one line, without the warnings before it
    serious = [one for one in found if one.rule in _EXPLAINED]
    why, why_at = _explained(store, config, serious[-1]) if serious else ((), None)
    boot = store.latest_boot(name)
    return BoardReport(
        name,
        line.urgency,
        sentence(line, picture),
        kernel_words(boot.facts) + _uptime(store, name, boot) if boot else "kernel unknown",
        changes(picture, before, len(found), len(earlier), _lost(store, picture), _lost(store, before)),
        tuple(reversed(shown[-INCIDENTS_MAX:])),
        max(0, len(shown) - INCIDENTS_MAX),
        picture,
        why,
        why_at,
        tuple(tables),
    )


def sentence(line: BoardLine, picture: BoardPicture) -> str:
    """How the board is, in one sentence."""
    failing = [need.name for need in line.needs if need.failing_s is not None or need.verdict == watermark.REFUSED]
    silent = f" It is silent: {line.note}." if line.note else ""
    if failing:
        names = " and ".join(map(one_line, failing))
        return f"{names} cannot start now.{silent}"
    soon = min((need for need in line.needs if need.forecast.in_s is not None), key=_soonest, default=None)
    if soon is not None:
        return f"{one_line(soon.name)} will be refused {in_about(soon.forecast)} if things go on as they do.{silent}"
    if line.need is None:
        return f"Nothing is known of its needs.{silent}"
    if line.need.left is None:
        return f"How many usable blocks are left is not known.{silent}"
    size = format_bytes(line.need.block_bytes) if line.need.block_bytes else ""
    fewest = f"{one_line(line.need.name)} has the fewest blocks left: {line.need.left} of {size}"
    return f"All needs can be served; {fewest}.{silent}"


def changes(
    now: BoardPicture, before: BoardPicture, alerts: int, alerts_before: int, lost: int, lost_before: int
) -> tuple[str, ...]:
    """What this span had, and in brackets what the span of the same length before it had."""
    span = brief_duration(now.until - now.since)
    earlier = {need.name: need for need in before.needs}
    lines = []
    for need in now.needs:
        least, least_before = _least(need), _least(earlier.get(need.name))
        was = "unknown" if least_before is None else str(least_before)
        lines.append(f"{one_line(need.name)}: least {'unknown' if least is None else least} usable blocks ({was})")
    failures, reboots = (_count(now, kind) for kind in (FAILURE, REBOOT))
    lines.append(f"{counted(alerts, 'alert')} ({alerts_before})")
    lines.append(f"{counted(failures, 'failure')} that the kernel reported ({_count(before, FAILURE)})")
    lines.append(f"{counted(reboots, 'restart')} ({_count(before, REBOOT)})")
    lines.append(f"{counted(lost, 'snapshot')} lost ({lost_before})")
    return (f"In {span} (in brackets: in the {span} before)", *lines)


def lasted(incident: Incident, until: float) -> str:
    """ "12m", "open for 3h", "once"."""
    if incident.state == NOTED or incident.closed == incident.opened:
        return "once"
    if incident.closed is None:
        return f"open for {brief_duration(until - incident.opened)}"
    return brief_duration(incident.closed - incident.opened)


def _explained(store: Store, config: Config, incident: Incident) -> tuple[tuple[Part, ...], float | None]:
    from buddywatch.report.explanation import explanation  # a report without alerts needs no reader of kernel logs

    found = explanation(store, config, incident.board, incident.opened + 1.0)
    return ((), None) if found is None else (found.parts(), found.snapshot.time)


def _uptime(store: Store, board: str, boot: Boot) -> str:
    """ "; up 3 d 2 h" when its newest snapshot was made."""
    newest = store.latest(board)
    if newest is None or newest.boot_id != boot.boot_id:
        return ""
    return f"; up {rough_duration(newest.uptime_ms / 1000)}"


def _soonest(need: NeedLine) -> float:
    return need.forecast.in_s or 0.0


def _least(need: NeedCourse | None) -> int | None:
    return None if need is None or not need.blocks else int(max(0.0, min(value for _, value in need.blocks)))


def _count(picture: BoardPicture, kind: str) -> int:
    return sum(mark.kind == kind for mark in picture.marks)


def _lost(store: Store, picture: BoardPicture) -> int:
    gaps = [gap for gap in store.gaps(picture.board) if gap.reason in LOSSES]
    return sum(gap.last - gap.first + 1 for gap in gaps if picture.since <= gap.time < picture.until)
