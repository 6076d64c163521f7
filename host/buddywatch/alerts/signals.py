"""The rules and the state machine that all of them go through. Pure: a signal in, a state out.

A rule looks at what was received and says how it finds things: BAD, GOOD, BETWEEN (no longer bad, not yet good enough
to be believed) or None, unknown. Samples are counted, not seconds: a link that was down adds nothing to either side,
and what is unknown moves no state, so that silence never looks like recovery.

Quick to warn, slow to give the all-clear: a BETWEEN neither ends nor delays what is pending, but it ends a clearing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from buddyd import watermark

from buddywatch.model import samples
from buddywatch.model.alerts import CLEARING, FIRING, KERNEL_FAILURE, OK, PENDING, REFUSED, SILENT, TIGHT, RuleState
from buddywatch.model.samples import LOSSES, Boot, Event, Gap, Snapshot
from buddywatch.model.verdicts import OOM_KILLER, NeedState
from buddywatch.protocol.bounds import INTERVAL_MAX_CS, UPTIME_MAX_CS, whole_number
from buddywatch.text.escape import counted
from buddywatch.text.gap_words import gap_reason

BAD, GOOD, BETWEEN = "bad", "good", "between"

KERNEL_FAILURE_KINDS = samples.KERNEL_FAILURE_KINDS
KERNEL_QUIET_MS = 3_600_000  # uptime without a kernel failure after which the last one is history
SILENT_INTERVALS = 3  # polls that may be missed before a board counts as silent, however short silent_after is


@dataclass(frozen=True)
class Signal:
    """How a rule finds things now. need: None for a rule about the board. text: one line, numbers and units in it."""

    rule: str
    need: str | None
    level: str | None
    severity: str
    text: str


def step(state: RuleState, level: str | None, hold: int, clear: int) -> RuleState:
    """The state after one more sample. It fires after `hold` bad samples and recovers after `clear` good ones in a row.

    The incident is not touched; a changed phase is what the caller looks for.
    """
    if level is None:
        return state
    if state.phase in (OK, PENDING):
        if level == BAD:
            return _counted(state, PENDING, hold, FIRING)
        return RuleState() if level == GOOD else state
    if level == GOOD:
        return _counted(state, CLEARING, clear, OK)
    return replace(state, phase=FIRING, count=0)


def _counted(state: RuleState, towards: str, enough: int, then: str) -> RuleState:
    count = state.count + 1 if state.phase == towards else 1
    return replace(state, phase=then, count=0) if count >= enough else replace(state, phase=towards, count=count)


def refused_signal(need: NeedState, severity: str) -> Signal:
    """BAD: the kernel would refuse the need. GOOD: it has one more block than it must have, or is served at once."""
    level = None
    if need.verdict is not None and need.margin_pages is not None and need.order is not None:
        enough = need.verdict == watermark.OK or need.margin_pages >= 1 << need.order
        level = BAD if need.verdict == watermark.REFUSED else GOOD if enough else BETWEEN
    return Signal(REFUSED, need.name, level, severity, _need_text(need))


def tight_signal(need: NeedState, severity: str) -> Signal:
    """BAD: the kernel would have to fall back to the min mark, or refuse. GOOD: it passes at the low mark."""
    level = None if need.verdict is None else GOOD if need.verdict == watermark.OK else BAD
    return Signal(TIGHT, need.name, level, severity, _need_text(need))


def _need_text(need: NeedState) -> str:
    start = f"{need.name}: {need.bytes} bytes in one piece"
    if need.verdict is None or need.margin_pages is None:
        return f"{start}: it is not known what the kernel would answer"
    if need.verdict != watermark.REFUSED:
        how = "would be served at once" if need.verdict == watermark.OK else "would be served only after reclaim"
        return f"{start} {how}, {counted(need.margin_pages, 'page')} above the limit"
    then = "a process would be killed for it" if need.consequence == OOM_KILLER else "the request would fail"
    return f"{start} would be refused, {counted(-need.margin_pages, 'page')} too few; {then}"


def kernel_failed_signal(event: Event, severity: str, more: str = "") -> Signal:
    """BAD, at once: the kernel itself said that it failed. more: what is added to its line."""
    return Signal(KERNEL_FAILURE, None, BAD, severity, f"kernel: {event.text}{more}")


def kernel_quiet_signal(
    failure: Event | None, snapshot: Snapshot, needs: tuple[NeedState, ...], severity: str
) -> Signal:
    """GOOD when KERNEL_QUIET_MS of uptime went by since the last failure and no need is refused."""
    quiet_ms = KERNEL_QUIET_MS
    if failure is not None and failure.uptime_ms is not None:
        quiet_ms = snapshot.uptime_ms - failure.uptime_ms
    elif failure is not None:  # read on a console whose lines carry no uptime
        quiet_ms = round((snapshot.time - failure.time) * 1000)
    verdicts = {need.verdict for need in needs}
    level = (
        BETWEEN if quiet_ms < KERNEL_QUIET_MS or watermark.REFUSED in verdicts else None if None in verdicts else GOOD
    )
    return Signal(KERNEL_FAILURE, None, level, severity, "kernel: no failure for 1 h of uptime, and no need is refused")


def kernel_new_signal(severity: str) -> Signal:
    """GOOD: another kernel runs than the one that failed."""
    return Signal(KERNEL_FAILURE, None, GOOD, severity, "kernel: the board was started anew")


def silent_after_s(configured_s: float, interval_s: float | None) -> float:
    """How long a board may say nothing: a slow one at least SILENT_INTERVALS of its polls."""
    return max(configured_s, SILENT_INTERVALS * (interval_s or 0))


def interval_s(facts: Mapping[str, str]) -> float | None:
    """The time between a board's polls by its hello; None where that does not say."""
    interval_cs = whole_number(facts.get("interval_cs", ""), INTERVAL_MAX_CS)
    return None if interval_cs is None else interval_cs / 100


def silent_signal(quiet_s: float, limit_s: float, severity: str) -> Signal:
    """BAD when nothing came for limit_s; None before: only data can say that the board is back."""
    level = BAD if quiet_s >= limit_s else None
    return Signal(SILENT, None, level, severity, f"nothing received for {int(quiet_s)} s, limit {int(limit_s)} s")


def heard_signal(severity: str) -> Signal:
    """GOOD: a snapshot was received."""
    return Signal(SILENT, None, GOOD, severity, "snapshots are received again")


def lost_text(gap: Gap) -> str | None:
    """What to say of a gap; None if it is none that people are told of."""
    if gap.reason not in LOSSES:
        return None
    frames = f"frame {gap.first}" if gap.first == gap.last else f"frames {gap.first} to {gap.last}"
    return f"{frames} of boot {gap.boot_id} lost: {gap_reason(gap)}"


def met_time(boot: Boot) -> float:
    """When the first hello of a boot was made, seconds since 1970; its start where the hello did not tell an uptime."""
    return boot.started + (whole_number(boot.facts.get("up", ""), UPTIME_MAX_CS) or 0) / 100


def rebooted_text(boot: Boot) -> str:
    return f"the board was started anew, boot {boot.boot_id}"
