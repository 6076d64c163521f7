"""`buddywatch watch [BOARD]`: the live view beside a running collector. It only reads, but for mutes."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from buddywatch.collect.control_socket import following
from buddywatch.collect.presenter import QUIT_CODE
from buddywatch.commands import CommandError, history_table
from buddywatch.commands.argument_types import duration
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.model.alerts import Silence
from buddywatch.store.damage import DamageReports
from buddywatch.store.store import Store
from buddywatch.store.timeline import History
from buddywatch.terminal import keys
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.live import Answer, Live, handled
from buddywatch.terminal.screen import Screen, style_of, usable
from buddywatch.terminal.view import Action
from buddywatch.text.escape import local_clock, local_day_time, local_time, one_line
from buddywatch.text.units import format_duration

_ALERTS, _LOG_LINES, _HISTORY_LINES = 100, 1000, 2000
_HISTORY_S = 3600.0
_BECAUSE = "muted in the live view"
_KNOWN = "known: noted in the live view"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?", help="begin with this board")
    parser.add_argument("--for", dest="seconds", metavar="DURATION", type=duration, help='stop then, such as "10m"')
    # A collector that shows itself here writes its news to this file descriptor.
    parser.add_argument("--news", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace, config: Config) -> int:
    if not usable(sys.stdout, os.environ):
        raise CommandError("watch needs a terminal that moves its cursor (TERM); `buddywatch status` prints once")
    with following(config.collector.db), Store.open_readonly(config.collector.db) as store:
        if args.board is not None:
            check_board(store, config, args.board)
        reader = FleetReader(store, config)
        store.damage = DamageReports(reader.news.append)  # standard error is where the view is drawn
        with Screen(sys.stdout) as screen:
            ends = "" if args.news is None else "the collector"
            lend = {keys.CONSOLE: partial(_console, config)}
            live = Live(screen, style_of(sys.stdout, os.environ), reader, _answers(config), lend, args.news, ends)
            handled(live)
            if args.board is not None:
                live.open(args.board)
            live.run(args.seconds)
    return QUIT_CODE if live.was_quit and args.news is not None else 0


def _answers(config: Config) -> dict[str, Answer]:
    return {
        keys.ALERTS: _alerts,
        keys.EXPLAIN: lambda store, action: _explained(store, config, action),
        keys.HISTORY: lambda store, action: _history(store, config, action),
        keys.LOG: _log,
        keys.MUTE: lambda store, action: _mute(config, action),
        keys.KNOWN: lambda store, action: _known(config, action),
    }


def _alerts(store: Store, action: Action) -> tuple[str, ...]:
    found = store.incidents(action.board)[-_ALERTS:]
    known = store.acknowledged([incident.id for incident in found])
    lines = []
    for one in reversed(found):
        state = "open" if one.closed is None else f"until {local_day_time(one.closed)}"
        noted = ", known" if one.id in known else ""
        lines += [
            f"{local_day_time(one.opened)}  {one.severity}, {one.rule}, {state}{noted}",
            f"  {one_line(one.text)}",
        ]
    return tuple(lines) or ("no alert of this board is recorded",)


def _explained(store: Store, config: Config, action: Action) -> tuple[str, ...]:
    from buddywatch.report import explanation  # a third of the time that the start takes

    found = explanation.explanation(store, config, action.board, None)
    return ("no snapshot of this board is stored",) if found is None else tuple(explanation.lines(found, action.board))


def _history(store: Store, config: Config, action: Action) -> tuple[str, ...]:
    history = History(store, config, action.board, time.time() - _HISTORY_S, None)
    return tuple(islice(history_table.lines(history, None), _HISTORY_LINES))


def _log(store: Store, action: Action) -> tuple[str, ...]:
    found = store.console(action.board, _LOG_LINES)
    return tuple(f"{local_clock(line.time)} {line.text}" for line in reversed(found)) or ("no console text is stored",)


def _mute(config: Config, action: Action) -> str:
    now = time.time()
    until = now + action.hours * 3600
    with Store.open(config.collector.db) as store:
        store.add_silence(Silence(0, action.board, None, None, now, until, _BECAUSE))
    return f"{action.board}: all alerts are muted for {format_duration(action.hours * 3600)}, until {local_time(until)}"


def _known(config: Config, action: Action) -> str:
    now = time.time()
    with Store.open(config.collector.db) as store, store.batch():
        found = store.incidents(action.board, open_only=True)
        for incident in found:
            store.acknowledge(incident.id, now, _KNOWN)
    return f"{action.board}: no reminders of {len(found)} open alerts until they end"


def _console(config: Config, board: str) -> str:
    """Run the console in the foreground of the terminal, as a shell does, so that Ctrl-C there ends only it."""
    where = ["--db", str(config.collector.db)]
    argv = [sys.executable, "-P", "-m", "buddywatch", *where, "console", board]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return in_foreground(lambda: subprocess.Popen(argv, env=env, process_group=0))


def in_foreground(start: Callable[[], subprocess.Popen[bytes]]) -> str:
    """Give the terminal to a process group of its own until it has ended; "" or how it ended."""
    terminal = sys.stdout.fileno()
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # the kernel's answer to a change made from the background
    try:
        process = start()
        os.tcsetpgrp(terminal, process.pid)
        os.killpg(process.pid, signal.SIGCONT)  # it may have read before the terminal was its own
        while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
            os.killpg(process.pid, signal.SIGCONT)  # Ctrl-Z would leave it behind with nobody to continue it
        os.tcsetpgrp(terminal, os.getpgrp())
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        signal.signal(signal.SIGTTOU, before)
    if process.returncode:
        print("Enter leads back to the live view.", flush=True)
        sys.stdin.readline()
    return "" if process.returncode == 0 else f"the console ended with exit code {process.returncode}"
