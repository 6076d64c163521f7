"""What is wanted of the engine, asked: boards, alerts, courses."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.fleet import queries
from buddywatch.fleet.boards import Key, SiteBoard, incidents, site_boards
from buddywatch.fleet.engine import Course, Engine
from buddywatch.fleet.history import FleetStep, steps_of
from buddywatch.model.alerts import Incident
from buddywatch.terminal.view import Points

TRENDS_MAX = 100  # boards
_TREND_S, _TREND_STEP_S = 7 * 86_400.0, 3 * 3600.0
_OF_BOARD = {"free_bytes": "board_free_bytes", "serviceable_bytes": "board_serviceable_bytes"}
_OF_NEED = {"margin_pages": "need_margin_pages", "usable_blocks": "need_usable_blocks"}


def boards(engine: Engine, site: str | None, now: float) -> list[SiteBoard]:
    newest = engine.values(queries.newest(site), now)
    state = engine.values(queries.state(site), now)
    return site_boards(newest, state, engine.values(queries.open_alerts(site), now))


def open_alerts(engine: Engine, site: str | None, now: float) -> list[tuple[Key, Incident]]:
    return incidents(engine.values(queries.open_alerts(site), now))


def trends(engine: Engine, wanted: Sequence[Key], now: float) -> dict[tuple[Key, str], Points]:
    """The usable blocks of the last 7 days of at most TRENDS_MAX boards, as (seconds ago, value)."""
    if not wanted:
        return {}
    query, found = queries.trends(wanted[:TRENDS_MAX], _TREND_STEP_S), {}
    for course in engine.courses(query, now - _TREND_S, now, _TREND_STEP_S):
        key = course.labels.get("site", ""), course.labels.get("board", "")
        found[key, course.labels.get("need", "")] = tuple((now - time, value) for time, value in course.points)
    return found


def sites_of(engine: Engine, board: str, site: str | None, since: float, until: float) -> list[str]:
    """Where a board of this name had data in that time."""
    return sorted(
        {labels.get("site", "") for labels, _ in engine.values(queries.sites(site, board, until - since), until)}
    )


def started(engine: Engine, key: Key, now: float) -> float:
    """When the board started, which had data within the last day: seconds since 1970."""
    (found,) = engine.values(queries.started(*key), now)
    return found.value


def steps(engine: Engine, key: Key, since: float, until: float, step_s: float) -> list[FleetStep]:
    """The course of a board; since and until: whole steps apart."""
    found: list[tuple[str, Course]] = []
    for what, name in (*_OF_BOARD.items(), *_OF_NEED.items()):
        query = queries.course(name, *key, step_s)
        found += [(what, course) for course in engine.courses(query, since + step_s, until, step_s)]
    return steps_of(found, step_s)
