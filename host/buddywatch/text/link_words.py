"""How well a link carries data, in words."""

from __future__ import annotations

from buddywatch.model.links import LinkHealth, LinkState, UnheardLink
from buddywatch.text.escape import counted, one_line, rough_duration
from buddywatch.text.units import format_bytes


def link_words(link: LinkState, now: float) -> str:
    """ "tcp://10.0.0.7:2323: down for 5 min (connection refused); 3 damaged lines, 45 frames asked again"."""
    reason = one_line(without_address(link.url, link.health.last_error))
    why = f" ({reason})" if reason and not link.up else ""
    state = "up" if link.up else "down"
    return f"{one_line(link.url)}: {state} for {rough_duration(now - link.since)}{why}; {damage_words(link.health)}"


def unheard_words(link: UnheardLink) -> str:
    """ "tcp://10.0.0.7:2323: no board heard; connection refused; collect tries again"."""
    reason = one_line(without_address(link.url, link.last_error))
    why = "it is open, but no agent answers" if link.is_up else f"{reason}; collect tries again"
    return f"{one_line(link.url)}: no board heard; {why}"


def without_address(url: str, error: str) -> str:
    """The error without the link's URL, or its address, at the beginning: what stands before it names the link."""
    address = url.partition("://")[2].partition("?")[0]
    return error.removeprefix(f"{url}: ").removeprefix(f"{address}: ")


def damage_words(health: LinkHealth) -> str:
    """What was damaged since the collector started; "no damage" where nothing was."""
    parts = []
    if health.damaged_lines:
        parts.append(counted(health.damaged_lines, "damaged line"))
    if health.dropped_bytes:
        parts.append(f"{format_bytes(health.dropped_bytes)} dropped from lines that were too long")
    if health.reasked_frames:
        parts.append(f"{counted(health.reasked_frames, 'frame')} asked again")
    return f"{', '.join(parts)} since the collector started" if parts else "no damage"
