"""Reads the values that own rules look at (config/own_rules.py) from a board's newest snapshot. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from buddyd import watermark

from buddywatch.alerts.verdicts import Judged
from buddywatch.config.own_rules import OwnRule
from buddywatch.model.forecasts import UNKNOWN, NeedForecast
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.verdict.judge import board_state, is_serving


@dataclass
class Seen:
    """What is known of a board at a snapshot. forecasts: the newest, by need."""

    boot: Boot
    snapshot: Snapshot
    judged: Judged
    forecasts: Mapping[str, NeedForecast] = field(default_factory=dict)

    @cached_property
    def state(self) -> BoardState:
        return board_state(self.snapshot, self.boot.facts, (), *self.judged.judged_by)

    @property
    def page_bytes(self) -> int | None:
        return self.judged.judged_by[1]


def value_of(rule: OwnRule, seen: Seen) -> float | None:
    """The value that the rule looks at; None: unknown, as is in a snapshot what the collector counts."""
    read = _READ.get(rule.value)
    return None if read is None else read(rule, seen)


def _pages_as_bytes(pages: int | None, seen: Seen) -> float | None:
    return None if pages is None or seen.page_bytes is None else pages * seen.page_bytes


def _order(rule: OwnRule, seen: Seen) -> int | None:
    """Of the rule's block; None: the page size is not known, or is larger."""
    if rule.block is None or seen.page_bytes is None or rule.block < seen.page_bytes:
        return None
    order: int = watermark.order_for(rule.block, seen.page_bytes)
    return order


def _counts(seen: Seen) -> list[tuple[int, int]]:
    """(order, free blocks) of each zone that serves the kernel."""
    blocks = [nr_free for name, nr_free, *_ in seen.snapshot.marked_blocks if is_serving(name)]
    return [pair for nr_free in blocks for pair in enumerate(nr_free)]


def _free_blocks(rule: OwnRule, seen: Seen) -> float | None:
    wanted = _order(rule, seen)
    return None if wanted is None else sum(count for order, count in _counts(seen) if order == wanted)


def _free_in_blocks(rule: OwnRule, seen: Seen) -> float | None:
    wanted = _order(rule, seen)
    if wanted is None:
        return None
    return _pages_as_bytes(sum(count << order for order, count in _counts(seen) if order >= wanted), seen)


def _margin_pages(rule: OwnRule, seen: Seen) -> float | None:
    return next((need.margin_pages for need in seen.judged.needs if need.name == rule.need), None)


def _refused_in(rule: OwnRule, seen: Seen) -> float | None:
    """Seconds; infinity if nothing points to a refusal, 0 while the need is refused."""
    if any(need.name == rule.need and need.verdict == watermark.REFUSED for need in seen.judged.needs):
        return 0.0
    found = seen.forecasts.get(rule.need or "")
    if found is None or found.forecast.trend == UNKNOWN:
        return None
    in_s = found.forecast.later(seen.snapshot.uptime_ms / 1000 - found.uptime_s).in_s
    return math.inf if in_s is None else in_s


_READ: dict[str, Callable[[OwnRule, Seen], float | None]] = {
    "free_bytes": lambda rule, seen: seen.state.free_bytes,
    "serviceable_bytes": lambda rule, seen: seen.state.serviceable_bytes,
    "serviceable_low_bytes": lambda rule, seen: seen.state.serviceable_low_bytes,
    "largest_free_block_bytes": lambda rule, seen: seen.state.largest_free_block_bytes,
    "reclaimable_bytes": lambda rule, seen: seen.state.reclaimable_bytes,
    "slab_bytes": lambda rule, seen: _pages_as_bytes(seen.snapshot.slab_pages, seen),
    "free_blocks": _free_blocks,
    "free_in_blocks": _free_in_blocks,
    "margin_pages": _margin_pages,
    "refused_in": _refused_in,
    "processes": lambda rule, seen: seen.snapshot.processes,
    "uptime": lambda rule, seen: seen.snapshot.uptime_ms / 1000,
}
