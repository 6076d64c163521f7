"""`buddywatch alerts [BOARD] [--since WHEN] [--open] [--explain ID] [--json]`: open and past alerts, and silences.

--explain: what is behind one alert.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from typing import Any

from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.boards import check_board, print_json, time_of
from buddywatch.config.sections import Config
from buddywatch.model.alerts import CRITICAL, Incident, Silence, is_about, rule_rank, without_covered
from buddywatch.store.store import Store
from buddywatch.text.escape import (
    brief_duration,
    counted,
    escaped,
    local_time,
    one_line,
    rough_duration,
    table,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?", help="only this board's")
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"only what is open, or ended later: {WHEN}")
    parser.add_argument(
        "--explain", metavar="ID", type=int, help="what is behind this alert, and what was sent about it"
    )
    parser.add_argument("--open", action="store_true", help="only open alerts")
    parser.add_argument("--all", action="store_true", help="on a terminal: more than a screenful, too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    with Store.open_readonly(config.collector.db) as store:
        if args.explain is not None:
            from buddywatch.commands.alert_story import story_json, story_lines, story_of  # a list starts quickly

            story = story_of(store, config, args.explain, now)
            if args.json:
                print_json(story_json(story))
            else:
                print("\n".join(story_lines(story, config, now)))
            return 0
        if args.board is not None:
            check_board(store, config, args.board)
        incidents = store.incidents(args.board, open_only=args.open)
        since = {board: time_of(store, board, args.since) or 0.0 for board in {one.board for one in incidents}}
        incidents = [one for one in incidents if one.closed is None or one.closed >= since[one.board]]
        silences = [one for one in store.silences(now) if args.board is None or is_about(one, args.board)]
        acknowledged = store.acknowledged([incident.id for incident in incidents])
    if args.json:
        alerts = [_incident_json(incident, acknowledged.get(incident.id)) for incident in incidents]
        print_json({"alerts": alerts, "silences": [_silence_json(silence) for silence in silences]})
    else:
        lines = [_silence_line(silence, now) for silence in silences]
        found = without_covered(incidents)
        shown = _on_screen(found, acknowledged, now, args.all) if sys.stdout.isatty() else None
        print("\n".join([*(shown or _lines(found, acknowledged, now)), *lines]))
    return 0


def _incident_json(incident: Incident, acknowledged: str | None) -> dict[str, Any]:
    """state: "firing" or "clearing" while open, then "ok"; "noted" for one-time events. Times: seconds since 1970."""
    return {
        "id": incident.id,
        "board": incident.board,
        "rule": incident.rule,
        "need": incident.need,
        "severity": incident.severity,
        "state": incident.state,
        "opened": incident.opened,
        "closed": incident.closed,
        "text": incident.text,
        "last_told": incident.last_reported,
        "acknowledged": acknowledged,
    }


def _silence_json(silence: Silence) -> dict[str, Any]:
    """rule: null for all rules; need: null for all needs."""
    return {
        "id": silence.id,
        "board": silence.board,
        "rule": silence.rule,
        "need": silence.need,
        "since": silence.created,
        "until": silence.until,
        "because": silence.comment,
    }


def _lines(incidents: list[Incident], acknowledged: Mapping[int, str], now: float, is_brief: bool = False) -> list[str]:
    """is_brief: in few columns, without what else is in the text."""
    if not incidents:
        return ["no alert"]
    rows = [["id", "since", "board", "rule", "severity", "state", "for", "what"]]
    if is_brief:
        rows = [["id", "since", "board", "state", "for", "what"]]
    for incident in incidents:
        lasted = (
            "" if incident.closed == incident.opened else rough_duration((incident.closed or now) - incident.opened)
        )
        when, board = local_time(incident.opened), escaped(incident.board)
        state = "open" if incident.closed is None else "once" if not lasted else "closed"
        if incident.id in acknowledged and state == "open":
            state = "known"
        if is_brief:
            what = incident.text if incident.need is not None else f"{incident.rule}: {incident.text}"
            lasted = "" if not lasted else brief_duration((incident.closed or now) - incident.opened)
            rows.append([str(incident.id), when[5:16], board, state, lasted, one_line(what)])
            continue
        rows.append(
            [str(incident.id), when, board, incident.rule, incident.severity, state, lasted, one_line(incident.text)]
        )
    return table(rows, frozenset([0]))


def _on_screen(incidents: list[Incident], acknowledged: Mapping[int, str], now: float, is_all: bool) -> list[str]:
    """For a person: what is open first, the gravest first; within the terminal's columns, no more than fits."""
    import shutil  # a file or a pipe needs it not

    size = shutil.get_terminal_size()
    ordered = sorted(incidents, key=lambda one: _urgency(one, acknowledged))
    room = len(ordered) if is_all else max(1, size.lines - 3)
    left_out = len(ordered) - room
    lines = [line if len(line) <= size.columns else f"{line[: size.columns - 3]}..." for line in
             _lines(ordered[:room], acknowledged, now, is_brief=True)]  # fmt: skip
    return [*lines, f"... and {counted(left_out, 'alert')} more: --all, --open or --since"] if left_out > 0 else lines


def _urgency(incident: Incident, acknowledged: Mapping[int, str]) -> tuple[bool, bool, bool, int, float]:
    is_known = incident.id in acknowledged
    is_warning = incident.severity != CRITICAL
    if incident.closed is not None:
        return True, False, False, 0, -incident.opened
    return False, is_known, is_warning, rule_rank(incident.rule), -incident.opened


def _silence_line(silence: Silence, now: float) -> str:
    need = "" if silence.need is None else f" of {escaped(silence.need)}"
    what = f"{escaped(silence.board)}: {silence.rule or 'all rules'}{need}"
    since = f" from {local_time(silence.created)}" if silence.created > now else ""
    because = one_line(silence.comment)
    return f"silence {silence.id}: muted{since} until {local_time(silence.until)}: {what}, because: {because}"
