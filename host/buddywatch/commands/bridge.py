"""`buddywatch bridge [NAME...]`: push what is stored to other engines, until Ctrl-C; `collect` does so by itself."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import FrameType

from buddywatch.bridge.bridge import Pusher, push_until
from buddywatch.bridge.door import DoorError
from buddywatch.bridge.pair import Sharing
from buddywatch.collect.control_socket import let_write
from buddywatch.commands import CommandError
from buddywatch.config.bridges import Bridge
from buddywatch.config.sections import Config
from buddywatch.links.base import LinkError
from buddywatch.store.bridges import BridgeState, BridgeStore
from buddywatch.store.lock import alone_as_bridge
from buddywatch.text.escape import rough_duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="a [[bridge]] of the configuration; default: all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--once", action="store_true", help="push what is stored, and end")
    what.add_argument("--state", action="store_true", help="show how far each bridge is, and end")
    until = "end when standard input ends, as when the program that started it is gone"
    what.add_argument("--until-eof", action="store_true", help=until)


def run(args: argparse.Namespace, config: Config) -> int:
    bridges = _chosen(args.names, config)
    if args.state:
        for bridge in bridges:
            with BridgeStore.open_readonly(config.collector.db) as store:
                print(state_line(bridge, store.bridge_state(bridge.name), time.time()))
        return 0
    config.check_files()
    with ExitStack() as stack:
        for bridge in bridges:
            stack.enter_context(alone_as_bridge(config.collector.db, bridge.name))
        if args.once:
            return _once(bridges, config)
        _until_ended(bridges, config, args.until_eof)
    return 0


def _chosen(names: Sequence[str], config: Config) -> list[Bridge]:
    if not config.bridges:
        raise CommandError("no [[bridge]] in the configuration; see docs/how-to/push-to-another-engine.md")
    known = {bridge.name: bridge for bridge in config.bridges}
    for name in names:
        if name not in known:
            raise CommandError(f"{name}: no such bridge; expected one of {', '.join(known)}")
    return [known[name] for name in names] or list(config.bridges)


def _once(bridges: Sequence[Bridge], config: Config) -> int:
    failed = []
    for bridge in bridges:
        with BridgeStore.open(config.collector.db) as store:
            pusher = Pusher(store, config, bridge, _report, _sharing(config, 0.0))
            let_write(config.collector.db)
            try:
                pusher.push()
            except (DoorError, LinkError) as error:
                pusher.note_error(str(error))
                failed.append(f"bridge {bridge.name}: {error}")
            done = pusher.pushed
            print(
                f"bridge {bridge.name}: {done.samples} samples of {done.items} rows taken "
                f"in {done.requests} requests, {pusher.door.sent_bytes} bytes"
            )
    if failed:
        raise LinkError("; ".join(failed))
    return 0


def _until_ended(bridges: Sequence[Bridge], config: Config, until_eof: bool) -> None:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if until_eof:
        threading.Thread(target=_await_eof, args=(stopping,), daemon=True).start()
    threads = [threading.Thread(target=_work, args=(bridge, config, stopping)) for bridge in bridges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _await_eof(stopping: threading.Event) -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stopping.set()


def _work(bridge: Bridge, config: Config, stopping: threading.Event) -> None:
    with BridgeStore.open(config.collector.db) as store:  # a store belongs to the thread that opened it
        pusher = Pusher(store, config, bridge, _report, _sharing(config, time.time()))
        push_until(pusher, bridge, stopping, _report, lambda: let_write(config.collector.db))


def _sharing(config: Config, begun: float) -> Sharing | None:
    """begun: when this bridge came into its place; the other one may not know of it yet."""
    if config.pair is None:
        return None
    from buddywatch.commands.pair import sharing_of  # few configurations have a pair

    return sharing_of(config.pair, config, begun)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def state_line(bridge: Bridge, state: BridgeState, now: float) -> str:
    pushed = "nothing taken yet" if state.pushed is None else f"last taken {rough_duration(now - state.pushed)} ago"
    parts = [f"bridge {bridge.name}: {pushed}"]
    if state.set_aside:
        parts.append(f"{state.set_aside} rows set aside, as the engine refuses them")
    if state.error:
        parts.append(state.error)
    return "; ".join(parts)
