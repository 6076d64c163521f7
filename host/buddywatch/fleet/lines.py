"""Boards of all sites as the lines that `status` shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from buddywatch.fleet.boards import FleetNeed, Key, SiteBoard
from buddywatch.model.alerts import REFUSED
from buddywatch.terminal.gather import urgency_of
from buddywatch.terminal.need_lines import per_day, worst_first
from buddywatch.terminal.view import BoardLine, NeedLine, Points
from buddywatch.text.escape import rough_duration

SILENT_S = 300.0  # as in host/deploy/vmalert: a bridge is 40 s behind, and may have had to wait

Trends = Mapping[tuple[Key, str], Points]  # by board and need


def shown_name(key: Key) -> str:
    """ "roof/xp"; a board of a bridge without a site has its name alone."""
    site, name = key
    return f"{site}/{name}" if site else name


def board_line(board: SiteBoard, now: float, trends: Trends) -> BoardLine:
    age_s = None if board.newest is None else max(0.0, now - board.newest)
    failing = {one.need: max(0.0, now - one.opened) for one in board.alerts if one.rule == REFUSED}
    needs = [
        _need_line(need, failing.get(need.name), trends.get((board.key, need.name), ()))
        for need in board.needs.values()
    ]
    note = _note(age_s)
    lines = tuple(sorted(needs, key=worst_first))
    urgency = urgency_of(lines, board.alerts, bool(note))
    return BoardLine(shown_name(board.key), urgency, lines, board.serviceable_bytes, age_s, note)


def board_lines(boards: Sequence[SiteBoard], now: float, trends: Trends) -> tuple[BoardLine, ...]:
    return tuple(board_line(board, now, trends) for board in boards)


def is_silent(board: SiteBoard, now: float) -> bool:
    return board.newest is None or now - board.newest > SILENT_S


def _note(age_s: float | None) -> str:
    if age_s is None:
        return "no data for more than a day"
    return f"no data for {rough_duration(age_s)}" if age_s > SILENT_S else ""


def _need_line(need: FleetNeed, failing_s: float | None, course: Points) -> NeedLine:
    block = None if need.bytes is None else 1 << max(0, need.bytes - 1).bit_length()  # any page is no larger
    return NeedLine(
        need.name, block, need.verdict, need.usable_blocks, need.forecast, course, per_day(course), failing_s
    )
