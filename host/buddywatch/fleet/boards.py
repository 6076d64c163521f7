"""What an engine holds of the boards of all sites, as plain values. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from buddywatch.fleet.engine import Value
from buddywatch.model.alerts import FIRING, Incident, without_covered
from buddywatch.model.forecasts import FALLING, UNKNOWN, Forecast

_NEED, _BOARD = "buddywatch_need_", "buddywatch_board_"

Key = tuple[str, str]  # (site, board); "" for a bridge without a site


@dataclass
class FleetNeed:
    name: str
    bytes: int | None = None
    verdict: str | None = None
    margin_pages: int | None = None
    usable_blocks: int | None = None
    refused_in_s: float | None = None
    refused_low_s: float | None = None
    refused_high_s: float | None = None

    @property
    def forecast(self) -> Forecast:
        """A trend is not pushed; without a median nothing points to a refusal."""
        trend = UNKNOWN if self.refused_in_s is None else FALLING
        return Forecast(trend, self.refused_in_s, self.refused_low_s, self.refused_high_s)


@dataclass
class SiteBoard:
    """One board of a site. newest: when its newest sample was made, seconds since 1970; None: not in the last day."""

    site: str
    name: str
    newest: float | None = None
    free_bytes: int | None = None
    serviceable_bytes: int | None = None
    lost_snapshots: int | None = None
    needs: dict[str, FleetNeed] = field(default_factory=dict)
    alerts: list[Incident] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.site, self.name


def site_boards(newest: Iterable[Value], state: Iterable[Value], alerts: Iterable[Value]) -> list[SiteBoard]:
    """Of the answers to these queries; sorted by site and name."""
    boards = {}
    for labels, time in newest:
        site, name = key = _key(labels)
        boards[key] = SiteBoard(site, name, time)
    for labels, value in state:
        board = boards.get(_key(labels))
        if board is not None and math.isfinite(value):
            _take(board, labels, value)
    for key, incident in incidents(alerts):
        boards.setdefault(key, SiteBoard(*key)).alerts.append(incident)
    for board in boards.values():
        board.alerts = without_covered(board.alerts)
    return [boards[key] for key in sorted(boards)]


def incidents(alerts: Iterable[Value]) -> list[tuple[Key, Incident]]:
    """The open alerts, oldest first."""
    found = []
    for labels, opened in alerts:
        rule, severity, need = labels.get("rule", ""), labels.get("severity", ""), labels.get("need") or None
        one = Incident(0, labels.get("board", ""), rule, need, severity, FIRING, opened, None, "", None, None)
        found.append((_key(labels), one))
    return sorted(found, key=lambda each: (each[1].opened, each[0], each[1].rule, each[1].need or ""))


def _key(labels: dict[str, str]) -> Key:
    return labels.get("site", ""), labels.get("board", "")


def _take(board: SiteBoard, labels: dict[str, str], value: float) -> None:
    name = labels.get("__name__", "")
    if name.startswith(_BOARD):
        setattr(board, name.removeprefix(_BOARD).removesuffix("_total"), round(value))
        return
    need = board.needs.setdefault(labels.get("need", ""), FleetNeed(labels.get("need", "")))
    match name.removeprefix(_NEED):
        case "bytes":
            need.bytes = round(value)
        case "margin_pages":
            need.margin_pages = round(value)
        case "usable_blocks":
            need.usable_blocks = round(value)
        case "verdict" if value == 1:
            need.verdict = labels.get("verdict")
        case "refused_in_seconds":
            need.refused_in_s = value
        case "refused_low_seconds":
            need.refused_low_s = value
        case "refused_high_seconds":
            need.refused_high_s = value
