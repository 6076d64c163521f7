"""`buddywatch serve`: the page, /metrics, /healthz and /api/status; `collect` starts it where [metrics] says so."""

from __future__ import annotations

import argparse
import signal
import socket

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import checked, duration
from buddywatch.commands.serve_answers import LANES, Answers
from buddywatch.config.kinds import split_listen
from buddywatch.config.sections import Config, Metrics
from buddywatch.store.store import Store
from buddywatch.text.addresses import is_loopback
from buddywatch.web.door import Door
from buddywatch.web.health import Pulse

BACKLOG = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    listen = f"where to listen; default: that of [metrics], else {Metrics.listen}"
    parser.add_argument("--listen", metavar="ADDRESS:PORT", type=checked(_checked_listen), help=listen)
    parser.add_argument("--for", dest="seconds", metavar="DURATION", type=duration, help='stop then, such as "10m"')
    # A collector that starts this writes a line a second to this file descriptor.
    parser.add_argument("--pulse", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace, config: Config) -> int:
    listen = args.listen or (config.metrics or Metrics()).listen
    with Store.open_readonly(config.collector.db):
        pass  # StoreError before anything is opened
    host, port = split_listen(listen)
    listener = _listener(host, port)
    with listener:
        where = listener.getsockname()
        answers = Answers(config)
        hosts = ("localhost", "127.0.0.1", "[::1]") if is_loopback(host) else ()
        door = Door(listener, answers.route, LANES, hosts)
        signal.signal(signal.SIGTERM, lambda *_: door.stop())
        if args.pulse is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the collector, whose end ends this
            answers.pulse = Pulse(args.pulse, door.stop)
            door.watch(args.pulse, answers.pulse.read)
        else:
            shown = f"[{where[0]}]" if ":" in where[0] else where[0]
            print(f"http://{shown}:{where[1]}/ (Ctrl-C ends it)", flush=True)
        try:
            door.run(args.seconds)
        finally:
            door.close()
    return 0


def _checked_listen(text: str) -> str:
    split_listen(text)
    return text


def _listener(host: str, port: int) -> socket.socket:
    """CommandError: it cannot be listened there."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CommandError(f"{host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CommandError(f"{host}:{port}: {error.strerror}; choose another address with --listen") from None
    return listener
