"""What `buddywatch fleet` prints for people."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from buddywatch.commands.status_fleet import output_style
from buddywatch.fleet.boards import Key, SiteBoard
from buddywatch.fleet.history import FleetStep
from buddywatch.fleet.lines import shown_name
from buddywatch.model.alerts import Incident
from buddywatch.terminal.fleet_page import sign_of, state_words
from buddywatch.terminal.style import painted
from buddywatch.terminal.view import BoardLine, Fleet, View, shown_boards
from buddywatch.text.escape import counted, escaped, local_day_time, rough_duration, table
from buddywatch.text.units import brief_bytes, format_duration

_MAP_WIDTH_MIN = 10


def alerts(found: Sequence[tuple[Key, Incident]], now: float) -> list[str]:
    """The open alerts, critical ones first, then the newest."""
    if not found:
        return ["no open alert"]
    worst = sorted(found, key=lambda each: (each[1].severity != "critical", -each[1].opened))
    rows = [["BOARD", "SEVERITY", "RULE", "NEED", "SINCE"]]
    for key, one in worst:
        since = f"{local_day_time(one.opened)} ({rough_duration(now - one.opened)})"
        rows.append(
            [escaped(shown_name(key)), escaped(one.severity), escaped(one.rule), escaped(one.need or ""), since]
        )
    return table(rows)


def history(steps: Sequence[FleetStep], gaps: Sequence[tuple[float, float]], step_s: float) -> list[str]:
    """The least values of each step, with gaps shown as gaps."""
    if not steps:
        return ["no data for that time"]
    needs = sorted({name for step in steps for name in step.needs})
    heads = [f"{escaped(name)} left" for name in needs]
    rows = [[f"in {format_duration(step_s)} from", "free", "largest request", *heads]]
    for step in steps:
        left = [step.needs.get(name, {}).get("usable_blocks") for name in needs]
        sizes = brief_bytes(step.free_bytes), brief_bytes(step.serviceable_bytes)
        rows.append([local_day_time(step.time), *sizes, *("?" if one is None else str(one) for one in left)])
    head, *lines = table(rows, frozenset(range(1, len(rows[0]))))
    timed = [(step.time, line) for step, line in zip(steps, lines, strict=True)]
    timed += [(begin, f"{local_day_time(begin)}  -- no data for {rough_duration(end - begin)}") for begin, end in gaps]
    return [head, *(line for _, line in sorted(timed))]


def sites(boards: Sequence[SiteBoard], lines: Sequence[BoardLine]) -> list[str]:
    """A sign for each board, worst first, in as many lines for each site as they take."""
    by_site: dict[str, list[BoardLine]] = {}
    for board, line in zip(boards, lines, strict=True):
        by_site.setdefault(board.site, []).append(line)
    if not by_site:
        return ["no data from any board yet"]
    style, width = output_style(), shutil.get_terminal_size().columns
    names = {site: escaped(site) or "-" for site in by_site}
    column = max(map(len, names.values())) + 2
    room = max(_MAP_WIDTH_MIN, width - column)
    shown = []
    for site in sorted(by_site):
        of_site = shown_boards(Fleet(tuple(by_site[site])), View())
        head = [(names[site].ljust(column) + counted(len(of_site), "board") + ":", ""), *state_words(of_site)]
        shown.append(painted(head, width, style).rstrip())
        signs = [sign_of(board, style) for board in of_site]
        for at in range(0, len(signs), room):
            shown.append(painted([(" " * column, ""), *signs[at : at + room]], width, style).rstrip())
    return shown
