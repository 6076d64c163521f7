"""`buddywatch doctor [--page-kb N] [--since WHEN] [--json] BOARD|FILE...`: what to change on a board first."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, moment, page_kb
from buddywatch.commands.boards import print_json
from buddywatch.commands.doctor_board import board_facts
from buddywatch.commands.doctor_files import with_files
from buddywatch.config.sections import Config
from buddywatch.doctor.checks import findings
from buddywatch.doctor.facts import BoardFacts, Finding
from buddywatch.doctor.unknown import unknown_things
from buddywatch.doctor.words import lines
from buddywatch.text.escape import escaped

BAD_NEWS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "a board, and files of it: kernel, BusyBox and other programs, .config, scripts, /proc text; in any mixture"
    parser.add_argument("things", metavar="BOARD|FILE", nargs="+", help=what)
    parser.add_argument("--page-kb", metavar="N", type=page_kb, help="the page size; default: the board's, else 4")
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"count starts since then, {WHEN}; default: 1d")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    names = list(dict.fromkeys(args.things))
    files = [name for name in names if Path(name).exists()]
    boards = [name for name in names if name not in files]
    if len(boards) > 1:
        raise CommandError(f"{' and '.join(map(escaped, boards))}: no such files; name one board and files of it")
    facts = board_facts(config, boards[0], args.since, now) if boards else BoardFacts()
    facts = with_files(facts, files, args.page_kb)
    found = findings(facts)
    unknown = unknown_things(facts)
    if args.json:
        print_json({"findings": [_json(finding) for finding in found], "unknown": unknown})
    else:
        print("\n".join(lines(found, unknown)))
    return BAD_NEWS if found else 0


def _json(finding: Finding) -> dict[str, str | None]:
    advice = finding.advice
    return {
        "key": advice.key,
        "do": advice.do,
        "found": finding.found,
        "gain": advice.gain,
        "price": advice.price,
        "certainty": advice.certainty,
        "boot_line": advice.line or None,
    }
