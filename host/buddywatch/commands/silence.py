"""`buddywatch silence BOARD RULE --for 2h --because TEXT`: mutes alerts, which are still recorded.

Also `silence --all` (all alerts of all boards), `silence --end ID`, and `silence --ack ID --because TEXT`: somebody
looks after it, so nobody is reminded.
"""

from __future__ import annotations

import argparse
import time

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import duration
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.model.alerts import ALL, RULES, Silence, is_pattern
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time, one_line
from buddywatch.text.moments import parse_time_ahead

EVERY_BOARD = "*"
NO_REASON = "no reason given"
LONGEST_DAYS = 3650  # to mute a rule for ever, set it to "off" in [alert]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "board", metavar="BOARD", nargs="?", help='a board, several with commas between, or a pattern such as "roof-*"'
    )
    parser.add_argument(
        "rule",
        metavar="RULE",
        nargs="?",
        help=f"a need (all its alerts), a rule ({', '.join(RULES)}, or an own one), both as refused:rm, several with "
        f"commas between, or {ALL}",
    )
    parser.add_argument("--all", action="store_true", help="all alerts, of all boards if none is named")
    parser.add_argument(
        "--for", dest="duration_s", metavar="DURATION", type=_duration, default=7200, help='such as "30m" (default: 2h)'
    )
    start = 'begin then, such as "2h" (from now), 22:00, tomorrow or 2026-12-24T22:00; else now'
    parser.add_argument("--from", dest="start", metavar="WHEN", help=start)
    parser.add_argument("--because", metavar="TEXT", type=_text, help="why: others see it in `buddywatch alerts`")
    parser.add_argument("--end", metavar="ID", type=int, help="end this silence now; `buddywatch alerts` lists them")
    parser.add_argument("--ack", metavar="ID", type=int, help="send no reminders of this open alert")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    with Store.open_readonly(config.collector.db) as store:  # first, since this command must not create a store
        silence = None if args.end is not None or args.ack is not None else _silence(store, config, args, now)
    with Store.open(config.collector.db) as store:
        if args.end is not None:
            print(_end(store, args, now))
        elif args.ack is not None:
            print(_acknowledge(store, args, now))
        elif silence is not None:
            print(_mute(store, silence, args.board))
    return 0


def _silence(store: Store, config: Config, args: argparse.Namespace, now: float) -> list[Silence]:
    """The silences to add: one for each board and each thing that is muted on it."""
    is_named = bool((args.board or "").strip(",") and (args.rule or "").strip(","))
    if not (args.all and args.rule is None) and (args.all or not is_named):
        raise CommandError("expected BOARD and RULE, or --all, --end ID or --ack ID; see buddywatch silence --help")
    boards = [name for name in (args.board or EVERY_BOARD).split(",") if name]
    for name in boards:
        if not is_pattern(name):
            check_board(store, config, name)
    needs, own_rules = [need.name for need in config.needs], [rule.name for rule in config.rules]
    about = [_about(text, needs, own_rules) for text in (args.rule or ALL).split(",") if text]
    start, because = now if args.start is None else _start(args.start, now), args.because or NO_REASON
    if start + args.duration_s <= now:
        raise CommandError(f"--from {one_line(args.start, 40)}: this silence would be over already")
    until = start + args.duration_s
    return [Silence(0, name, rule, need, start, until, because) for name in boards for rule, need in about]


def _about(text: str, needs: list[str], own_rules: list[str]) -> tuple[str | None, str | None]:
    """(rule, need) of the argument RULE; None stands for all."""
    rule, colon, need = text.partition(":")
    rules = (*RULES, *own_rules)
    if colon and rule in rules and need in needs:
        return rule, need
    if not colon and text == ALL:
        return None, None
    if not colon and text in rules:
        return text, None
    if not colon and text in needs:
        return None, text
    expected = f"one of {', '.join((*rules, ALL))}, or a need ({', '.join(needs)})"
    raise CommandError(f"RULE: read {one_line(text, 40)!r}, expected {expected}")


def _start(text: str, now: float) -> float:
    try:
        return parse_time_ahead(text, now)
    except ValueError as error:
        raise CommandError(f"--from: {error}") from None


def _mute(store: Store, silences: list[Silence], boards: str) -> str:
    with store.batch():
        for silence in silences:
            try:
                store.add_silence(silence)
            except ValueError as error:
                raise CommandError(str(error)) from None
    first = silences[0]
    what = " and ".join(dict.fromkeys(map(_what, silences)))
    since = f"from {local_time(first.created)} " if first.created > time.time() else ""
    return (
        f"{escaped(', '.join(boards.split(',')))}: {what} are muted {since}until {local_time(first.until)}, "
        f"because: {one_line(first.comment)}"
    )


def _what(silence: Silence) -> str:
    """ "alerts of the rule refused for the need rm"."""
    rule = [f"the rule {silence.rule}"] if silence.rule else []
    need = [f"the need {escaped(silence.need)}"] if silence.need else []
    return f"alerts of {' for '.join(rule + need)}" if rule or need else "all alerts"


def _end(store: Store, args: argparse.Namespace, now: float) -> str:
    if not store.end_silence(args.end, now):
        raise CommandError(f"--end {args.end}: no such silence is in force; `buddywatch alerts` lists them")
    return f"silence {args.end} is over; an alert that is still open is reported at the next chance"


def _acknowledge(store: Store, args: argparse.Namespace, now: float) -> str:
    if args.because is None:
        raise CommandError("expected --because TEXT with --ack: who looks after it?")
    incident = store.incident(args.ack)
    if incident is None or incident.closed is not None:
        raise CommandError(f"--ack {args.ack}: no such alert is open; `buddywatch alerts --open` lists them")
    store.acknowledge(incident.id, now, args.because)
    about = f"{incident.rule}{f' of {escaped(incident.need)}' if incident.need else ''}"
    return f"{escaped(incident.board)}: no reminders of alert {incident.id} ({about}) until it ends"


def _text(text: str) -> str:
    """Text that the database can take: an argument may hold any bytes (PEP 383)."""
    if not text.isprintable() and any("\udc80" <= char <= "\udcff" for char in text):
        raise argparse.ArgumentTypeError(f"expected text in UTF-8, not {text!a}")
    return text


def _duration(text: str) -> float:
    if duration(text) > LONGEST_DAYS * 86_400:
        raise argparse.ArgumentTypeError(f"{one_line(text, 40)!r}: expected at most {LONGEST_DAYS}d")
    return duration(text)
