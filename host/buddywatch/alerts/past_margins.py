"""The margins of needs that were added later, computed from what is stored of the snapshots before.

Summaries say the lowest margin of any need in their time, so a year takes no more than reading them once. The forecast
of a new need then begins with the whole past of the running kernel, and not with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from buddywatch.alerts.forecasts import basis_of, period_s_of
from buddywatch.config.sections import Config, Need
from buddywatch.model.alerts import RulesHistory
from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.samples import Boot
from buddywatch.model.summaries import Summary
from buddywatch.protocol.layout import layout_of
from buddywatch.store.store import Store
from buddywatch.store.stretch import Reader
from buddywatch.store.summaries import QUARTER_S
from buddywatch.verdict.judge import page_bytes_of, rule_of
from buddywatch.verdict.margin_history import MarginHistory

_Place = tuple[str, int]


def with_past_margins(store: Store, config: Config, board: str, history: RulesHistory) -> RulesHistory:
    """The same, with a record for each need that has none, or one of other margins than those of today."""
    boots = {boot.boot_id: boot for boot in history.kernel_boots}
    place = next(((boot_id, seq) for boot_id, seq in history.judged.items() if boot_id in boots and seq), None)
    if place is None:
        return history
    boot = boots[place[0]]
    named = config.name_of(board, boot.facts)
    said = config.board(named)
    rule, page_bytes = said.rule or rule_of(boot.facts), said.page_bytes or page_bytes_of(boot.facts)
    known = {(record.need, record.basis) for record in history.margins}
    bases = {need: basis_of(need, (rule, page_bytes)) for need in config.needs_of(named)}
    new = [need for need, basis in bases.items() if (need.name, basis) not in known]
    if not new or rule is None or page_bytes is None:
        return history
    found = _histories(store, board, history, place, new, rule, page_bytes)
    records = [MarginRecord(need.name, *place, bases[need], past.dump()) for need, past in found.items()]
    names = {record.need for record in records}
    kept = [record for record in history.margins if record.need not in names]
    return replace(history, margins=(*kept, *records))


def _histories(
    store: Store, board: str, history: RulesHistory, place: _Place, needs: list[Need], rule: str, page_bytes: int
) -> dict[Need, MarginHistory]:
    """Of the needs with a known margin at any time."""
    boots = {boot.boot_id: boot for boot in history.kernel_boots}
    readers = {boot_id: Reader(layout_of(boot.facts), needs, rule, page_bytes) for boot_id, boot in boots.items()}
    found: dict[Need, MarginHistory] = {}
    for summary in _before(store, board, boots, place):
        for need, known in zip(needs, readers[summary.boot_id].stretch(summary).needs, strict=True):
            if known.margin_pages is not None:
                past = found.setdefault(need, MarginHistory(period_s_of(boots[summary.boot_id])))
                past.add(summary.uptime_ms / 1000, known.margin_pages)
    return found


def _before(store: Store, board: str, boots: dict[str, Boot], place: _Place) -> Iterator[Summary]:
    """Summaries of what the rules have judged of these boots, oldest first."""
    since = min(boot.started for boot in boots.values()) - QUARTER_S
    for summary in store.summaries(board, since, step_s=QUARTER_S):
        if summary.boot_id == place[0] and summary.seq > place[1]:
            return
        if summary.boot_id in boots:
            yield summary
