"""What the figures of /proc/meminfo say together. No I/O."""

from __future__ import annotations

from collections.abc import Mapping


def reclaimable_kb(memory_kb: Mapping[str, int]) -> int | None:
    """What reclaim could free at best, counted as in buddyd.sources.meminfo; None if the lists are missing."""
    lists = [memory_kb.get(key) for key in ("Active(file)", "Inactive(file)")]
    if None not in lists:
        return sum(kb or 0 for kb in lists) + memory_kb.get("SReclaimable", 0)
    older = [memory_kb.get(key) for key in ("Buffers", "Cached")]  # before 2.6.28
    return None if None in older else sum(kb or 0 for kb in older)
