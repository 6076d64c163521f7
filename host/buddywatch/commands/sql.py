"""`buddywatch sql ['SELECT ...'] [--csv|--json]`: plain SQL on what is stored, read-only."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

from buddywatch.commands import CommandError
from buddywatch.config.sections import Config
from buddywatch.store.plain_sql import PlainSql
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped

_PROMPT, _MORE = "sql> ", "...> "
_GREETING = "Read-only SQL; a statement ends with a semicolon. The view `snapshots` has one row for each snapshot."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", nargs="?", help="else statements from standard input, or a shell")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="print CSV (RFC 4180; default)")
    form.add_argument(
        "--json", dest="form", action="store_const", const="json", help="print one JSON object for each row"
    )
    parser.set_defaults(form="csv")


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        sql = PlainSql(store)
        if args.query is not None:
            _answer(sql, args.query, args.form)
            return 0
        is_shell = sys.stdin.isatty()
        if is_shell:
            print(_GREETING)
        for statement in _statements(is_shell):
            try:
                _answer(sql, statement, args.form)
            except CommandError as error:
                if not is_shell:
                    raise
                print(error)
    return 0


def _answer(sql: PlainSql, statement: str, form: str) -> None:
    try:
        names, rows = sql.run(statement)
        if form == "json":
            for row in rows:
                print(json.dumps(dict(zip(names, map(_plain, row), strict=True))))
            return
        table = csv.writer(sys.stdout, lineterminator="\n")
        if names:
            table.writerow(names)
        for row in rows:
            table.writerow([escaped(value) if isinstance(value, str) else _plain(value) for value in row])
    except ValueError as error:
        raise CommandError(f"SQL: {escaped(str(error))}") from None


def _plain(value: Any) -> Any:
    """Bytes as hexadecimal digits; a number that JSON does not have, as the text that Python has for it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def _statements(is_shell: bool) -> Iterator[str]:
    """Whole statements of standard input; what is left at its end, too."""
    text = ""
    while True:
        if is_shell:
            print(_MORE if text else _PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        text += line
        if text.strip() and (not line or PlainSql.is_complete(text)):
            yield text
            text = ""
        if not line:
            return
