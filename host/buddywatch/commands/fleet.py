"""`buddywatch fleet status|alerts|history|map`: the boards of all sites, as an engine knows them."""

from __future__ import annotations

import argparse
import time

from buddywatch.commands import CommandError, fleet_json, fleet_text
from buddywatch.commands.argument_types import checked, duration, moment
from buddywatch.commands.boards import print_json
from buddywatch.config import kinds as k
from buddywatch.config.bridges import FleetEngine
from buddywatch.config.sections import Config
from buddywatch.fleet import ask
from buddywatch.fleet.boards import Key, SiteBoard
from buddywatch.fleet.engine import Engine
from buddywatch.fleet.history import STEPS_MAX, gaps_of, step_for
from buddywatch.fleet.lines import board_lines, is_silent
from buddywatch.terminal.view import Fleet, View, shown_boards
from buddywatch.text.escape import escaped, local_clock, one_line

BAD_NEWS = 1
BOARDS_SHOWN = 50
_DAY_S = 86_400.0
_URL = k.Url.__metadata__[0]  # type: ignore[attr-defined]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    does = "boards, worst first; alerts: the open ones; history: of one board; map: a sign for each board, by site"
    parser.add_argument("what", metavar="WHAT", choices=("status", "alerts", "history", "map"), help=f"status: {does}")
    parser.add_argument("board", metavar="BOARD", nargs="?", help="for history")
    parser.add_argument("--site", metavar="SITE", help="only the boards of this site")
    parser.add_argument("--engine", metavar="URL", type=checked(_url), help="the engine, instead of [fleet] url")
    parser.add_argument("--since", metavar="WHEN", type=moment, help='for history, such as "2h" or "boot"; default: 1d')
    parser.add_argument("--until", metavar="WHEN", type=moment, help="for history; default: now")
    parser.add_argument("--step", metavar="DURATION", type=duration, help="for history: the time of a row")
    parser.add_argument("--all", action="store_true", help=f"for status: more than {BOARDS_SHOWN} boards, too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _url(text: str) -> str:
    try:
        return str(_URL.read(text))
    except ValueError:
        raise ValueError(f"{one_line(text, 40)!r}: expected {_URL.expected}") from None


def run(args: argparse.Namespace, config: Config) -> int:
    if (args.board is not None) != (args.what == "history"):
        raise CommandError("fleet history needs a BOARD, and nothing else does")
    if config.fleet is not None and args.engine is None:
        config.check_files()
    settings = config.fleet if args.engine is None else FleetEngine(args.engine)
    if settings is None:
        raise CommandError("no [fleet] url in the configuration, and no --engine; see docs/how-to/many-sites.md")
    engine, now = Engine(settings), time.time()
    if args.what == "alerts":
        found = ask.open_alerts(engine, args.site, now)
        _print(args.json, fleet_json.alerts(found), fleet_text.alerts(found, now))
        return 0
    if args.what == "history":
        return _history(engine, args, now)
    boards = ask.boards(engine, args.site, now)
    if args.what == "map":
        lines = board_lines(boards, now, {})
        _print(args.json, fleet_json.sites(boards, lines), fleet_text.sites(boards, lines))
    elif args.json:
        print_json(fleet_json.status(boards, now))
    else:
        print("\n".join(_status(engine, boards, now, None if args.all else BOARDS_SHOWN)))
    return BAD_NEWS if any(board.alerts or is_silent(board, now) for board in boards) else 0


def _print(is_json: bool, value: object, lines: list[str]) -> None:
    if is_json:
        print_json(value)
    else:
        print("\n".join(lines))


def _status(engine: Engine, boards: list[SiteBoard], now: float, most: int | None) -> list[str]:
    from buddywatch.commands.status_fleet import fleet_text as table

    lines = board_lines(boards, now, {})
    keys = {line.name: board.key for line, board in zip(lines, boards, strict=True)}
    worst = [keys[line.name] for line in shown_boards(Fleet(lines), View())[:most]]
    trends = ask.trends(engine, worst, now)
    return table(Fleet(board_lines(boards, now, trends), local_clock(now), engine.where), most)


def _history(engine: Engine, args: argparse.Namespace, now: float) -> int:
    until = _time_of(engine, args, args.until, now) or now
    since = _time_of(engine, args, args.since, now) or until - _DAY_S
    until = min(until, now)
    if since >= until:
        raise CommandError("--since is not before --until")
    step_s = float(step_for(until - since) if args.step is None else max(1, round(args.step)))
    if (until - since) / step_s > STEPS_MAX:
        raise CommandError(f"more than {STEPS_MAX} rows; choose a longer --step")
    since, until = since // step_s * step_s, -(-until // step_s) * step_s
    key = _key(engine, args.board, args.site, since, until)
    steps = ask.steps(engine, key, since, until, step_s)
    gaps = gaps_of(steps, since, min(until, now), step_s)
    _print(args.json, fleet_json.history(key, steps, gaps, step_s), fleet_text.history(steps, gaps, step_s))
    return 0


def _time_of(engine: Engine, args: argparse.Namespace, when: float | str | None, now: float) -> float | None:
    """What --since or --until says; BOOT is when the board started, as its newest data of the last day say."""
    if not isinstance(when, str):
        return when
    return ask.started(engine, _key(engine, args.board, args.site, now - _DAY_S, now), now)


def _key(engine: Engine, board: str, site: str | None, since: float, until: float) -> Key:
    """The one board of this name."""
    sites = ask.sites_of(engine, board, site, since, until)
    if not sites:
        where = f" at site {escaped(site)}" if site else ""
        raise CommandError(f"no board {escaped(board)!r}{where} had data in that time")
    if len(sites) > 1:
        raise CommandError(f"{escaped(board)} is at several sites; choose one: --site {', '.join(map(escaped, sites))}")
    return sites[0], board
