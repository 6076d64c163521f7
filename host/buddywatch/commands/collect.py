"""`buddywatch collect [LINK...]`: the collector, until Ctrl-C, SIGTERM or `--for`."""

from __future__ import annotations

import argparse
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.alerts.evaluate import RECENTLY_S
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.collect.console_server import Control
from buddywatch.collect.loop import Collector
from buddywatch.collect.presenter import Lines, Live
from buddywatch.collect.service import Service
from buddywatch.collect.supervision import Supervised
from buddywatch.collect.writer import Writer
from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import duration
from buddywatch.commands.collect_parts import same_place, start_outboxes, start_parts, wake_all
from buddywatch.commands.collect_signals import Signals
from buddywatch.config.load import load
from buddywatch.config.problems import ConfigError
from buddywatch.config.programs import wrong_programs
from buddywatch.config.sections import Config
from buddywatch.links.base import LinkError
from buddywatch.links.connection import Connection
from buddywatch.links.factory import Doors
from buddywatch.links.listen import Listener
from buddywatch.notify.channels import routes_of
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.lock import alone
from buddywatch.store.store import Store, StoreBusy, StoreError
from buddywatch.terminal.line_writer import LineWriter
from buddywatch.terminal.screen import usable

WRITER_END_S = 3.0  # for a batch that is under way at the end
PULSE_S = 30.0  # a loop that did not turn for so long hangs
LOCKED_S = 1.0  # between checks whether the database is free
DESCRIPTORS_MAX = 65536  # more than any fleet needs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "links",
        nargs="*",
        metavar="LINK",
        help="serial:///dev/ttyUSB0?baud=115200, telnet://HOST:PORT, tcp://HOST:PORT, rfc2217://HOST:PORT, "
        "listen://ADDRESS:PORT, hush://USER@HOST (a board without buddyd), file:PATH or - (a recorded stream); "
        "?board=NAME names its board. Default: the links in the configuration",
    )
    parser.add_argument("--for", dest="seconds", type=duration, metavar="DURATION", help='stop then, such as "10m"')
    parser.add_argument("--plain", action="store_true", help="lines of news instead of the live view")


def run(args: argparse.Namespace, config: Config) -> int:
    end_s = math.inf if args.seconds is None else time.monotonic() + args.seconds
    wanted: Config | None = config
    signals = Signals()
    while wanted is not None and not signals.is_over:
        seconds = None if args.seconds is None else max(0.0, end_s - time.monotonic())
        wanted = _collect(args.links, args.plain, seconds, wanted, signals)
    return 0


def _collect(
    links: Sequence[str], plain: bool, seconds: float | None, config: Config, signals: Signals
) -> Config | None:
    """Collect until the end. Returns the new configuration, if it is to go on with another one."""
    config.check_files()
    _allow_descriptors()
    doors = Doors(config)
    connections = _connections(doors, links or config.collector.links)
    db = config.collector.db
    with ExitStack() as stack:
        stack.enter_context(alone(db))
        store = stack.enter_context(_opened(db, seconds))
        presenter = _presenter(plain, config, stack)
        store.damage = presenter.damage
        for problem in wrong_programs(config):
            presenter.report(f"{problem}; its messages wait for it")
        outboxes = start_outboxes(config, presenter, stack)
        writer = Writer(db, lambda own: _dispatcher(own, config, presenter), lambda: wake_all(outboxes), config.storage)
        writing = Supervised("writer", writer, db, presenter.report)
        writing.start()
        stack.callback(writing.stop, WRITER_END_S)
        control = stack.enter_context(_control(db))
        boards = Boards(store, config, presenter.report, writer.holds)
        pulse = _Pulse(writer)
        pulse.beats = start_parts(config, pulse.is_well, presenter, stack)
        collector = Collector(
            boards, writer, connections, presenter, doors.admitted, control, pulse.turn, config.collector.write_every_s
        )
        reload = _Reload(config, links, presenter, collector)
        stack.enter_context(signals.handed_to(collector.stop, reload.take))
        pulse.ready()
        at = Now(time.time(), time.monotonic())
        boards.open_expected(_expected(store, config), at)
        if not links and not any(isinstance(connection.link, Listener) for connection in connections):
            boards.close_unlinked({connection.url for connection in connections}, at)
        collector.run(seconds)
    if writer.error is not None:
        raise StoreError(writer.error)
    if reload.config is not None:
        return reload.config
    if not any(connection.was_ever_up for connection in connections):
        raise LinkError("; ".join(c.last_error or f"{c.url}: not open yet" for c in connections))
    return None


class _Reload:
    """What SIGHUP does. config: the new configuration, as soon as there is one that is valid."""

    def __init__(self, config: Config, links: Sequence[str], presenter: Lines | Live, collector: Collector) -> None:
        self.config: Config | None = None
        self._old = config
        self._links = links
        self._presenter = presenter
        self._collector = collector

    def take(self) -> None:
        """Read the configuration again. If it is valid, the collector stops, to go on with it; else nothing changes."""
        try:
            new = load(self._old.path, os.environ)
            new.check_files()
            _connections(Doors(new), self._links or new.collector.links)  # nothing is opened before its start()
        except (ConfigError, CommandError) as error:
            more = f" (and {len(error.lines) - 1} more: buddywatch check-config)" if len(error.lines) > 1 else ""
            self._presenter.report(f"the configuration stays as it was: {error.lines[0]}{more}")
            return
        self._presenter.report("the configuration was read again; links are opened anew")
        self.config = replace(new, collector=replace(new.collector, db=self._old.collector.db))
        self._collector.stop()


class _Pulse:
    """Whether the collector works: its loop turns, and the last batch was written. beats: who gets to know it."""

    def __init__(self, writer: Writer) -> None:
        self.beats: list[Callable[[str | None], None]] = []
        self._writer = writer
        self._turned_s = time.monotonic()
        self._service = Service(os.environ)

    def ready(self) -> None:
        """Tell the service manager; from now on it may send signals."""
        self._service.ready()

    def turn(self, monotonic_s: float) -> None:
        self._turned_s = monotonic_s
        self._service.turn(monotonic_s)
        for beat in self.beats:
            beat(self._writer.error)

    def is_well(self) -> bool:
        return self._writer.error is None and time.monotonic() - self._turned_s < PULSE_S


def _opened(db: Path, seconds: float | None) -> Store:
    """The store, as soon as no other program locks it: a lock delays the start, and does not prevent it. StoreError.

    seconds: how long to wait at most; None: until the collector is stopped.
    """
    end_s = math.inf if seconds is None else time.monotonic() + seconds
    is_reported = False
    while True:
        try:
            store = Store.open(db, LOCKED_S)
            try:
                store.links_down(time.time())
            except BaseException:
                store.close()
                raise
            return store
        except StoreBusy as error:
            if time.monotonic() >= end_s:
                raise
            if not is_reported:
                is_reported = True
                print(f"buddywatch: {error}; collect starts as soon as it is free", file=sys.stderr, flush=True)


def _dispatcher(store: Store, config: Config, presenter: Lines | Live) -> Dispatcher:
    store.damage = presenter.damage
    maker = MessageMaker(store, config)
    return Dispatcher(store, config, routes_of(config), maker.make, presenter.report, maker.digest)


def _allow_descriptors() -> None:
    """Raise the limit of open files as far as allowed: each board takes one, and many systems start with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _expected(store: Store, config: Config) -> set[str]:
    """Boards whose silence must be reported: those in the configuration, and those heard lately. Also boards with a
    boot that is ENDING, whose missing frames may still come or must be given up, and those with an open alert, which
    may be about a need or a rule that is gone.
    """
    heard = store.boards_heard_since(time.time() - RECENTLY_S)
    return (
        store.boards_ending()
        | set(store.boards_with_open_incidents())
        | heard
        | {board.name for board in config.boards}
    )


@contextmanager
def _control(db: Path) -> Iterator[Control]:
    """The socket for `buddywatch console`. It lies beside the database, whose folder is writable."""
    control = Control(db)
    try:
        control.__enter__()
    except OSError as error:
        raise StoreError(f"{control.path}: {error.strerror}; choose another folder with --db") from error
    try:
        yield control
    finally:
        control.__exit__()


def _connections(doors: Doors, urls: Sequence[str]) -> list[Connection]:
    if not urls:
        raise CommandError("no link: name one (buddywatch collect --help), or put `links` into the configuration")
    connections, wrong = [], []
    for url in urls:
        try:
            connections.append(doors.connection(url))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise CommandError(*wrong)
    return connections


def _presenter(plain: bool, config: Config, stack: ExitStack) -> Lines | Live:
    sys.stdout.flush()
    lines = Lines(stack.enter_context(LineWriter(sys.stdout.fileno())))
    if plain or not usable(sys.stdout, os.environ):
        return lines
    live = Live([*same_place(config), "watch"], lambda: os.kill(os.getpid(), signal.SIGTERM), lines)
    stack.callback(live.close)
    return live
