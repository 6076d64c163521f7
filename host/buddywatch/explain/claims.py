"""A list of free blocks that somebody counted by hand, compared with the state itself. Pure."""

from __future__ import annotations

from buddywatch.kernel_text.state import State


def claims_words(state: State) -> str:
    """Check of a list of blocks that the author made by hand from this state."""
    if state.page_bytes is None or len(state.claims) < 2:
        return ""
    page_kb = state.page_bytes // 1024
    counts: dict[int, int] = {}
    for zone in state.zones:
        for order, count in enumerate(zone.nr_free):
            counts[page_kb << order] = counts.get(page_kb << order, 0) + count
    listed_kb = sum(count * kb for count, kb in state.claims)
    listed = dict((kb, count) for count, kb in state.claims)
    forgotten = [f"{count} x {kb} kB" for kb, count in counts.items() if count and kb not in listed]
    differing = [f"{listed[kb]} x {kb} kB for {counts.get(kb, 0)}" for kb in listed if listed[kb] != counts.get(kb, 0)]
    sum_kb = sum(kb * count for kb, count in counts.items())
    text = f"The list of blocks after it adds up to {listed_kb} kB"
    if forgotten:
        text += f": it leaves out {', '.join(forgotten)}"
    if differing:
        text += f"; it has {', '.join(differing)}"
    return text + (f". With all blocks it is {sum_kb} kB." if forgotten or differing else ", all of them.")
