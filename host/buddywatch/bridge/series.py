"""The samples of a board's snapshots, events, incidents, forecasts and links. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from buddyd.watermark import OK, REFUSED, TIGHT

from buddywatch.bridge.samples import Labels, Sample, Series
from buddywatch.model.alerts import Incident
from buddywatch.model.forecasts import NeedForecast
from buddywatch.model.links import LinkState
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.judge import Need, board_state
from buddywatch.verdict.usable import usable_blocks

UPTIME = "buddywatch_board_uptime_seconds"
VERDICTS = (OK, TIGHT, REFUSED)
_MARKS = ("min", "low", "high")
_OF_BOARD = ("free_bytes", "serviceable_bytes", "reclaimable_bytes", "uptime_seconds", "processes_created_total")
_OF_NEED = ("need_margin_pages", "need_margin_bytes", "need_usable_blocks")
_FORECASTS = {
    "in_s": "need_refused_in_seconds",
    "low_s": "need_refused_low_seconds",
    "high_s": "need_refused_high_seconds",
}


class BoardSeries:
    """Of one boot. facts: its hello's. rule, page_bytes: as the configuration has them."""

    def __init__(
        self,
        labels: Labels,
        facts: Mapping[str, str],
        needs: Sequence[Need],
        rule: str | None = None,
        page_bytes: int | None = None,
    ) -> None:
        self._labels = labels
        self._judged = (facts, needs, rule, page_bytes)
        self._zones: dict[tuple[int, str, int], tuple[list[Series], list[Series]]] = {}
        self._of_board = [self._series(f"board_{name}") for name in _OF_BOARD]
        self._of_need: dict[str, tuple[Series, ...]] = {}

    def of_snapshot(self, snapshot: Snapshot) -> list[Sample]:
        facts, needs, rule, page_bytes = self._judged
        state = board_state(snapshot, facts, needs, rule, page_bytes)
        uptime_s = snapshot.uptime_ms / 1000
        values = (state.free_bytes, state.serviceable_bytes, state.reclaimable_bytes, uptime_s, snapshot.processes)
        found: list[tuple[Series, int | float | None]] = list(zip(self._of_board, values, strict=True))
        for zone in snapshot.zones:
            blocks, marks = self._of_zone(zone.node, zone.name, len(zone.nr_free))
            found += zip(blocks, zone.nr_free, strict=True)
            found += zip(marks, (zone.min_pages, zone.low_pages, zone.high_pages), strict=True)
        for need, judged in zip(needs, state.needs, strict=True):
            left = usable_blocks(snapshot, state.page_bytes, need, state.rule)
            found += self._values_of(judged, left, state.page_bytes)
        time_ms = round(1000 * snapshot.time)
        return [Sample(series, value, time_ms) for series, value in found if value is not None]

    def _of_zone(self, node: int, name: str, orders: int) -> tuple[list[Series], list[Series]]:
        """Of its free blocks by order, and of its marks."""
        known = self._zones.get((node, name, orders))
        if known is None:
            zone = (("zone", name), ("node", str(node)))
            blocks = [self._series("board_free_blocks", (*zone, ("order", str(order)))) for order in range(orders)]
            marks = [self._series("board_mark_pages", (*zone, ("mark", mark))) for mark in _MARKS]
            known = self._zones[node, name, orders] = (blocks, marks)
        return known

    def _values_of(
        self, need: NeedState, left: int | None, page_bytes: int | None
    ) -> list[tuple[Series, int | float | None]]:
        pages, in_bytes, blocks, *verdicts = self._series_of_need(need.name)
        margin, verdict = need.margin_pages, need.verdict
        spare = None if margin is None or page_bytes is None else margin * page_bytes
        known = [None if verdict is None else int(verdict == one) for one in VERDICTS]
        return list(zip((pages, in_bytes, blocks, *verdicts), (margin, spare, left, *known), strict=True))

    def _series_of_need(self, name: str) -> tuple[Series, ...]:
        known = self._of_need.get(name)
        if known is None:
            of_need = (("need", name),)
            verdicts = (self._series("need_verdict", (*of_need, ("verdict", verdict))) for verdict in VERDICTS)
            margins = (self._series(metric, of_need) for metric in _OF_NEED)
            known = self._of_need[name] = (*margins, *verdicts)
        return known

    def _series(self, name: str, labels: Labels = ()) -> Series:
        return series_of(name, self._labels, labels)


def series_of(name: str, of_board: Labels, labels: Labels = ()) -> Series:
    return Series(f"buddywatch_{name}", (*of_board, *labels))


def of_forecasts(forecasts: Iterable[NeedForecast], labels: Labels, time_ms: int) -> list[Sample]:
    """Seconds until a need is refused if things go on as they do; none where no such time is known."""
    found = []
    for one in forecasts:
        for name, metric in _FORECASTS.items():
            seconds = getattr(one.forecast, name)
            if seconds is not None:
                found.append(Sample(series_of(metric, labels, (("need", one.need),)), float(seconds), time_ms))
    return found


def of_pair(role: str, heard: Mapping[str, float], labels: Callable[[str], Labels], time_ms: int) -> list[Sample]:
    """For the other one of two collectors: that this one lives, and up to when (since 1970) it has each board."""
    of_role, site = (("role", role),), labels("")[1:]
    found = [Sample(series_of("pair_up", site, of_role), 1, time_ms)]
    for board, time in heard.items():
        found.append(Sample(series_of("pair_heard_timestamp_seconds", labels(board), of_role), time, time_ms))
    return found


def of_needs(needs: Iterable[Need], labels: Labels, time_ms: int) -> list[Sample]:
    return [Sample(series_of("need_bytes", labels, (("need", need.name),)), need.bytes, time_ms) for need in needs]


def of_incident(incident: Incident, labels: Labels, time_ms: int) -> list[Sample]:
    """Of an open one: that it is open, and since when."""
    of_alert = alert_labels(incident.rule, incident.need, incident.severity)
    return [
        Sample(series_of("alert_open", labels, of_alert), 1, time_ms),
        Sample(series_of("alert_opened_timestamp_seconds", labels, of_alert), incident.opened, time_ms),
    ]


def alert_labels(rule: str, need: str | None, severity: str) -> Labels:
    return (("rule", rule), ("need", need or ""), ("severity", severity))


def of_links(links: Iterable[LinkState], labels: Labels, time_ms: int) -> list[Sample]:
    """Whether each link is up, and its damage since the collector met it."""
    found = []
    for link in links:
        of_link = (("link", link.url),)
        health = link.health
        for name, value in (
            ("link_up", int(link.up)),
            ("link_damaged_lines_total", health.damaged_lines),
            ("link_dropped_bytes_total", health.dropped_bytes),
            ("link_reasked_frames_total", health.reasked_frames),
        ):
            found.append(Sample(series_of(name, labels, of_link), value, time_ms))
    return found
