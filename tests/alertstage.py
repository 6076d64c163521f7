"""A collector's alerts in simulated time, for the drill: boards, rules, planning, outbox and a real mail server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from boards import START, boot, config, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.config.sections import Board
from buddywatch.notify.channels import channels_of, routes_of
from buddywatch.notify.gather import MessageMaker
from buddywatch.notify.outbox import OutboxWorker
from buddywatch.store.store import Store, StoreError
from feeder import Feeder
from mailing import mail_to_one
from smtp_server import SmtpServer

STEP_S = 10


class Stage:
    """Boards, a collector's alerts and a mail server. The collector may be restarted; the clock is `time`."""

    def __init__(self, folder: Path, names: list[str], stack: ExitStack, **more: Any) -> None:
        self.server = stack.enter_context(SmtpServer())
        self.time, self.steady_s = START, START  # the machine's clock, which can be set, and the steady one
        self.folder, self.path = folder, folder / "drill.db"
        recipients = more.pop("to", ("you@b",))
        settings = config(batch_s=30, clear_samples=6, **more.pop("alert", {}))
        mail = mail_to_one(self.server, to=recipients)
        self.settings = replace(settings, boards=tuple(map(Board, names)), mail=mail, **more)
        self.store = Store.open(self.path)
        stack.callback(self.store.close)
        self.store._run("PRAGMA synchronous = OFF")
        ids = count(1)
        self.boards = {name: Feeder(self.store, self.settings, name, ids) for name in names}
        self.seqs = {name: count(1) for name in names}
        self.start_collector()
        for name, board in self.boards.items():
            board.feed(boot())
            self.send(name)
            self.send(name)

    def start_collector(self) -> None:
        """Everything that a killed collector had in memory is made anew."""
        self.dispatcher = Dispatcher(
            self.store, self.settings, routes_of(self.settings), MessageMaker(self.store, self.settings).make
        )
        channels = channels_of(self.settings)
        self.workers = [
            OutboxWorker(self.path, name, channel, sorted(channels.keys() - {name}), lambda: self.time)
            for name, channel in channels.items()
        ]

    def send(self, name: str, make: Callable[[int], Any] = snapshot) -> None:
        """The board's next snapshot."""
        board = self.boards[name]
        board.time = self.time
        board.rules.take([replace(make(next(self.seqs[name])), time=self.time)], self.time, self.steady_s)
        board.save()

    def go_on(self, seconds: float, step_s: float = STEP_S, sends: Callable[[], None] = lambda: None) -> None:
        """Let time pass. sends: called at each step, for the boards that go on sending."""
        for _ in range(round(seconds / step_s)):
            self.time += step_s
            self.steady_s += step_s
            sends()
            self.turn()

    def turn(self) -> None:
        for board in self.boards.values():
            if board.rules.due_s() <= self.steady_s:
                board.rules.tick(self.time, self.steady_s)
                board.save()
        with suppress(StoreError):  # as in the collector: it tries again
            self.dispatcher.run(self.time)
            for worker in self.workers:
                worker.run_once(self.time)

    @property
    def mails(self) -> list[str]:
        """The subjects that arrived, in this order."""
        subjects = [" ".join(mail.message["Subject"].split()) for mail in self.server.mails]
        return [subject.removeprefix("[buddywatch] ") for subject in subjects]
