"""The rules, and the state machine that they share. Pure: a signal in, a state out.

A rule rates the received data: BAD, GOOD, BETWEEN (no longer bad, but not good enough to end the alert) or None
(unknown). Samples are counted, not seconds: the time while a link is down does not count, and an unknown level changes
no state, so that silence never looks like recovery.

Alerts start quickly and end slowly: BETWEEN neither ends nor delays a pending alert, but it stops a clearing one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from buddyd import watermark

from buddywatch.model import samples
from buddywatch.model.alerts import (
    CLEARING,
    FIRING,
    KERNEL_FAILURE,
    OK,
    PENDING,
    REFUSED,
    REFUSED_WITHIN,
    SILENT,
    TIGHT,
    WARNING,
    RuleState,
)
from buddywatch.model.forecasts import UNKNOWN, NeedForecast
from buddywatch.model.samples import LOSSES, Boot, Event, Gap, Snapshot
from buddywatch.model.verdicts import OOM_KILLER, NeedState
from buddywatch.protocol.bounds import INTERVAL_MAX_CS, UPTIME_MAX_CS, whole_number
from buddywatch.text.escape import counted
from buddywatch.text.forecast_words import forecast_words
from buddywatch.text.gap_words import gap_reason
from buddywatch.text.units import format_duration

BAD, GOOD, BETWEEN = "bad", "good", "between"

KERNEL_FAILURE_KINDS = samples.KERNEL_FAILURE_KINDS
KERNEL_QUIET_MS = 3_600_000  # uptime without a kernel failure after which the alert ends
FAR_TIMES = 2  # a forecast this many times as far ahead as the limit ends the warning: not at the limit itself
SILENT_INTERVALS = 3  # missed polls before a board counts as silent, even if silent_after is shorter


@dataclass(frozen=True)
class Signal:
    """A rule's rating of the data now. need: None for a rule about the board. text: one line with numbers and units."""

    rule: str
    need: str | None
    level: str | None
    severity: str
    text: str


def step(state: RuleState, level: str | None, hold: int, clear: int) -> RuleState:
    """The state after one more sample. It fires after `hold` bad samples and recovers after `clear` good ones in a row.

    The incident stays unchanged; the caller compares the phases.
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


def refused_level(need: NeedState) -> str | None:
    """BAD: the kernel would refuse the need. GOOD: passes at the low mark, or at the min mark with a block to spare."""
    if need.verdict is None or need.margin_pages is None or need.order is None:
        return None
    enough = need.verdict == watermark.OK or need.margin_pages >= 1 << need.order
    return BAD if need.verdict == watermark.REFUSED else GOOD if enough else BETWEEN


def tight_level(need: NeedState) -> str | None:
    """BAD: the kernel would have to fall back to the min mark, or refuse. GOOD: it passes at the low mark."""
    return None if need.verdict is None else GOOD if need.verdict == watermark.OK else BAD


# How each rule about a need rates it.
LEVELS: dict[str, Callable[[NeedState], str | None]] = {REFUSED: refused_level, TIGHT: tight_level}


def need_signal(rule: str, need: NeedState, level: str | None, severity: str) -> Signal:
    """level: by LEVELS."""
    return Signal(rule, need.name, level, severity, _tight_text(need) if rule == TIGHT else _need_text(need))


def _tight_text(need: NeedState) -> str:
    """`refused` has the other sentence: the two may begin within seconds."""
    if need.verdict != watermark.REFUSED or need.margin_pages is None:
        return _need_text(need)
    short = f"short by {counted(-need.margin_pages, 'page')} at this moment"
    return f"{need.name}: nothing to spare for {need.bytes} contiguous bytes, {short}"


def _need_text(need: NeedState) -> str:
    start = f"{need.name}: a request of {need.bytes} contiguous bytes"
    if need.verdict is None or need.margin_pages is None:
        return f"{start}: not known whether it would succeed"
    if need.verdict != watermark.REFUSED:
        how = "would succeed" if need.verdict == watermark.OK else "would succeed only after reclaim"
        return f"{start} {how}, {counted(need.margin_pages, 'page')} to spare"
    then = "would make the kernel kill a process" if need.consequence == OOM_KILLER else "would fail"
    return f"{start} {then}, short by {counted(-need.margin_pages, 'page')}"


def refused_within_signal(found: NeedForecast, within_s: float) -> Signal:
    """BAD: the need will be refused within this time if the trend continues. Never critical: it may not continue."""
    in_s = found.forecast.in_s
    if found.forecast.trend == UNKNOWN:
        level = None
    elif in_s is not None and in_s <= within_s:
        level = BAD
    else:
        level = GOOD if in_s is None or in_s > FAR_TIMES * within_s else BETWEEN
    words = forecast_words(found.forecast) or "nothing points to a refusal"
    return Signal(REFUSED_WITHIN, found.need, level, WARNING, f"{found.need}: {words}")


def forecast_over_signal(need: str) -> Signal:
    """GOOD: a reboot ended what the forecast was made from."""
    return Signal(REFUSED_WITHIN, need, GOOD, WARNING, f"{need}: the board rebooted, so the forecast is over")


def kernel_failed_signal(event: Event, severity: str, more: str = "") -> Signal:
    """BAD, at once: the kernel reported the failure. more: text to add to its line."""
    return Signal(KERNEL_FAILURE, None, BAD, severity, f"kernel: {event.text}{more}")


def kernel_quiet_signal(
    failure: Event | None, snapshot: Snapshot, needs: tuple[NeedState, ...], severity: str
) -> Signal:
    """GOOD after KERNEL_QUIET_MS of uptime without a failure, if no need is refused."""
    quiet_ms = KERNEL_QUIET_MS
    if failure is not None and failure.uptime_ms is not None:
        quiet_ms = snapshot.uptime_ms - failure.uptime_ms
    elif failure is not None:  # from a console whose lines have no uptime
        quiet_ms = round((snapshot.time - failure.time) * 1000)
    verdicts = {need.verdict for need in needs}
    level = (
        BETWEEN if quiet_ms < KERNEL_QUIET_MS or watermark.REFUSED in verdicts else None if None in verdicts else GOOD
    )
    return Signal(KERNEL_FAILURE, None, level, severity, "kernel: no failure for 1 h of uptime, and no need is refused")


def kernel_new_signal(severity: str) -> Signal:
    """GOOD: the kernel that failed was replaced by a reboot."""
    return Signal(KERNEL_FAILURE, None, GOOD, severity, "kernel: the board rebooted")


def silent_after_s(configured_s: float, interval_s: float | None) -> float:
    """How long a board may be silent: at least SILENT_INTERVALS of its polls."""
    return max(configured_s, SILENT_INTERVALS * (interval_s or 0))


def interval_s(facts: Mapping[str, str]) -> float | None:
    """The time between a board's polls, from its hello; None if the hello does not say."""
    interval_cs = whole_number(facts.get("interval_cs", ""), INTERVAL_MAX_CS)
    return None if interval_cs is None else interval_cs / 100


def silent_signal(quiet_s: float, limit_s: float, severity: str) -> Signal:
    """BAD after limit_s without data; None before: only data can show that the board is back."""
    level = BAD if quiet_s >= limit_s else None
    return Signal(SILENT, None, level, severity, f"no data for {format_duration(quiet_s)}")


def heard_signal(severity: str) -> Signal:
    """GOOD: a snapshot was received."""
    return Signal(SILENT, None, GOOD, severity, "data arrives again")


def lost_text(gap: Gap) -> str | None:
    """The text about a gap; None if it is not reported."""
    if gap.reason not in LOSSES:
        return None
    frames = f"frame {gap.first}" if gap.first == gap.last else f"frames {gap.first} to {gap.last}"
    return f"{frames} of boot {gap.boot_id} lost: {gap_reason(gap)}"


def met_time(boot: Boot) -> float:
    """When the first hello of a boot was made, seconds since 1970; the boot's start if the hello has no uptime."""
    return boot.started + (whole_number(boot.facts.get("up", ""), UPTIME_MAX_CS) or 0) / 100


def rebooted_text(boot: Boot) -> str:
    return f"the board rebooted, boot {boot.boot_id}"
