"""What a stored summary says about a board's needs. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.model.summaries import Summary
from buddywatch.protocol.layout import Layout
from buddywatch.store.summarize import has_constant_marks, lowest_margin, lowest_margin_at_low
from buddywatch.verdict.judge import Need, is_serving


@dataclass(frozen=True)
class NeedRange:
    """Of a need in many snapshots: the worst verdict, and the lowest margin_pages. None: not known."""

    name: str
    verdict: str | None
    margin_pages: int | None


@dataclass(frozen=True)
class Stretch:
    """Many snapshots of one boot, by their summary."""

    summary: Summary
    layout: Layout
    page_bytes: int | None
    needs: tuple[NeedRange, ...]


class Reader:
    """Reads the summaries of one boot. rule, page_bytes: of its kernel, or as the configuration has them."""

    def __init__(self, layout: Layout, needs: Sequence[Need], rule: str | None, page_bytes: int | None) -> None:
        self._layout, self._rule, self._page_bytes = layout, rule, page_bytes
        self._needs = [
            (need, None if page_bytes is None else watermark.order_for(need.bytes, page_bytes)) for need in needs
        ]
        serving = [zone for zone in layout.zones if is_serving(zone.name)]
        # Without a rule, or without the marks of a zone, the snapshots say nothing about a need either.
        self._is_knowable = rule is not None and bool(serving) and all(zone.has_marks for zone in serving)

    def is_enough(self, summary: Summary) -> bool:
        """True if the snapshots would say no more than the summary: several zones or changing marks need them."""
        if not self._is_knowable:
            return True
        knows_marks = bool(summary.held) and has_constant_marks(summary, self._layout)
        return summary.rule == self._rule and summary.serviceable_pages is not None and knows_marks

    def stretch(self, summary: Summary) -> Stretch:
        needs = tuple(self._range(need, order, summary) for need, order in self._needs)
        return Stretch(summary, self._layout, self._page_bytes, needs)

    def _range(self, need: Need, order: int | None, summary: Summary) -> NeedRange:
        if order is None:
            return NeedRange(need.name, None, None)
        asked = (summary, self._layout, order, need.is_program, self._rule)
        at_min, at_low = lowest_margin(*asked), lowest_margin_at_low(*asked)
        if at_min is None or at_low is None:
            return NeedRange(need.name, None, None)
        verdict = watermark.REFUSED if at_min < 0 else watermark.TIGHT if at_low < 0 else watermark.OK
        return NeedRange(need.name, verdict, at_min)
