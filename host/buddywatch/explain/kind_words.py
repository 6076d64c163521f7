"""The kinds of pages that the free blocks of a zone are meant for, by /proc/pagetypeinfo. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.kernel_text.state import State, Zone
from buddywatch.text.document import plain
from buddywatch.text.escape import counted

# MIGRATE_* in include/linux/mmzone.h, by the letters of show_migration_types()
_KINDS = {
    "U": "unmovable",
    "E": "reclaimable",
    "M": "movable",
    "R": "reserve",
    "H": "atomic requests of 2 pages or more",
    "C": "CMA",
    "I": "isolated",
}
_NOT_FOR_ALL = {"H", "C", "I"}


def kinds_words(state: State) -> str:
    """A sentence for each zone whose blocks are known by kind: how much each holds, and what plain requests lack."""
    return " ".join(words for zone in state.zones if (words := _of_zone(zone, state)))


def _of_zone(zone: Zone, state: State) -> str:
    pages = {letter: int(watermark.free_pages(counts)) for letter, counts in zone.lists.items()}
    told = [f"{_KINDS[letter]} {_size(count, state)}" for letter, count in pages.items() if count and letter in _KINDS]
    if not told:
        return ""
    many_nodes = len({other.node for other in state.zones}) > 1
    node = f" of node {zone.node}" if many_nodes else ""
    text = f"Zone {plain(zone.name, 16)}{node} by kind: {', '.join(told)}."
    aside = [letter for letter in pages if letter in _NOT_FOR_ALL and pages[letter]]
    if aside:
        held = sum(pages[letter] for letter in aside)
        kinds = " and ".join(_KINDS[letter] for letter in aside)
        text += f" What is for {kinds} ({_size(held, state)}) serves no plain request of the kernel or a program."
    return text


def _size(pages: int, state: State) -> str:
    return f"{pages * state.page_bytes // 1024} kB" if state.page_bytes else counted(pages, "page")
