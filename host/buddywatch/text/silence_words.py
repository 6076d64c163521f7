"""Why a board is silent or no collector runs, and for how long its ring still holds everything, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from buddywatch.model.links import LinkState
from buddywatch.text.escape import brief_duration, local_time, one_line, rough_duration
from buddywatch.text.link_words import without_address

_FRAME_BYTES = 16  # of a snapshot in the ring, about; docs/how-it-works/costs.md
_REASON_CHARS, _ERROR_CHARS = 40, 120
# What an error of a link says about the board; "refused" is the answer of a kernel that runs (RFC 9293, 3.5.2).
_MEANINGS = (
    ("connection refused", "the board is up, the {program} is gone"),
    ("no route to host", "the board, or the network to it, is down"),
    ("unreachable", "the board, or the network to it, is down"),
    ("timed out", "the board is off or hangs, or the network to it is down"),
    ("no answer", "the board is off or hangs, or the network to it is down"),
    ("closed the connection", "the {program} or the board ended it, and is not back"),
    ("reset", "the board was restarted, or the {program} ended"),
    ("no such file", "the adapter of the line is gone"),
)


def silence_words(
    links: Sequence[LinkState], facts: Mapping[str, str], age_s: float | None, is_silent: bool, now: float
) -> str:
    """ "connection refused for 14m; ring lasts 2h40 more"; "" for a board that is heard. is_silent: of an alert."""
    if any(link.up for link in links) and not is_silent:
        return ""
    if not links:
        return "" if age_s is None else f"no link since {brief_duration(age_s)}"
    link = links[0]
    reason = one_line(without_address(link.url, link.health.last_error), _REASON_CHARS) or "link down"
    if link.up:
        reason, since_s = "link up, but no data", age_s or 0.0
    else:
        since_s = now - link.since
    return f"{reason} for {brief_duration(since_s)}{_ring_words(facts, since_s if age_s is None else age_s)}"


def link_verdict(links: Sequence[LinkState], now: float) -> str:
    """ "connection refused for 14 min: the board is up, the agent is gone"; "" without a link."""
    if not links:
        return ""
    link = links[0]
    lasted = rough_duration(max(0.0, now - link.since))
    if link.up:
        return f"open for {lasted}, but no data comes: the board or its agent hangs, or the line is cut"
    reason = one_line(without_address(link.url, link.health.last_error), _ERROR_CHARS) or "down"
    program = "telnetd" if link.url.startswith("hush") else "agent"
    meaning = next((words for sign, words in _MEANINGS if sign in reason.lower()), "")
    return f"{reason} for {lasted}" + (f": {meaning.format(program=program)}" if meaning else "")


def ring_verdict(facts: Mapping[str, str], silent_s: float) -> str:
    """For how long nothing is lost yet; "" where that is not known, or where there is no ring."""
    holds_s = ring_holds_s(facts)
    if holds_s is None:
        return ""
    if silent_s < holds_s:
        return f"if the board runs, its ring holds everything for {rough_duration(holds_s - silent_s)} more"
    return f"full for {rough_duration(silent_s - holds_s)}: if the board runs, its oldest snapshots are being lost"


def no_collector_words(ages_s: Sequence[float | None], now: float) -> str:
    """ages_s: of the newest snapshot of each board."""
    known = [now - age_s for age_s in ages_s if age_s is not None]
    return f"NO COLLECTOR RUNS, last data {local_time(max(known))}" if known else "NO COLLECTOR RUNS, no data yet"


def _ring_words(facts: Mapping[str, str], silent_s: float) -> str:
    holds_s = ring_holds_s(facts)
    if holds_s is None:
        return ""
    left_s = holds_s - silent_s
    return f"; ring lasts {brief_duration(left_s)} more" if left_s > 0 else "; ring full, data is lost"


def ring_holds_s(facts: Mapping[str, str]) -> float | None:
    """About how long the board's ring holds every snapshot; None if that is not known.

    A ring that had overwritten frames at the first contact held next - oldest of them; else its size says it.
    """
    ring, interval_cs = _whole(facts.get("ring")), _whole(facts.get("interval_cs"))
    oldest, following = _whole(facts.get("oldest")), _whole(facts.get("next"))
    if not ring or not interval_cs:
        return None
    frames = following - oldest if oldest is not None and following is not None and oldest > 1 else ring // _FRAME_BYTES
    return frames * interval_cs / 100


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 12 else None
