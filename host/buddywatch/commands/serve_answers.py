"""What `serve` answers: which path leads to what, each made in a lane of its own, and kept for a moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from buddywatch.collect.control_socket import let_write
from buddywatch.commands.report_boards import reports_of
from buddywatch.commands.status import parts_of, status_json
from buddywatch.config.sections import Config
from buddywatch.notify.channels import channels_of
from buddywatch.store.damage import DamageReports
from buddywatch.store.store import Store, StoreError
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.overview import board_names
from buddywatch.web.door import Make
from buddywatch.web.exposition import KIND, exposition
from buddywatch.web.health import Pulse, problems
from buddywatch.web.measure import board_families, collector_families, link_families, need_families
from buddywatch.web.pages import SPANS, board_page, fleet_page
from buddywatch.web.request import BUSY, NOT_FOUND, OK, Answer, Request

QUICK, DEEP = "quick", "deep"
LANES = (QUICK, DEEP)
KEPT_S = 5.0  # an answer serves all who ask within this time
KEPT_MAX = 64
_HTML, _JSON = "text/html; charset=utf-8", "application/json"


class Answers:
    """pulse: of the collector that started this, None if none did."""

    def __init__(self, config: Config) -> None:
        self.pulse: Pulse | None = None
        self._config = config
        self._db: Path = config.collector.db
        self._channels = list(channels_of(config))
        self._reader: FleetReader | None = None  # of the lane QUICK
        self._kept: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._wrote_s = float("-inf")

    def route(self, request: Request) -> tuple[str, Make] | None:
        """The lane and the work for a path."""
        fixed: dict[str, tuple[str, Make]] = {
            "/": (QUICK, lambda: self._quick("/", self._fleet)),
            "/metrics": (QUICK, lambda: self._quick("/metrics", self._metrics)),
            "/healthz": (QUICK, self._health),
            "/api/status": (DEEP, lambda: self._deep(("/api/status", ""), self._status)),
        }
        if request.path in fixed:
            return fixed[request.path]
        name = request.path.removeprefix("/board/")
        if name == request.path or not name:
            return None
        span = next((value for key, value in request.query if key == "since" and value in SPANS), "7d")
        return DEEP, lambda: self._deep((name, span), lambda store: self._board(store, name, span))

    def _quick(self, key: str, make: Callable[[FleetReader], Answer]) -> Answer:
        def answer() -> Answer:
            if self._reader is None:
                self._reader = FleetReader(self._opened(), self._config)
            try:
                return make(self._reader)
            except StoreError:
                reader, self._reader = self._reader, None
                reader.store.close()
                raise

        return self._kept_or_made((key, ""), answer)

    def _deep(self, key: tuple[str, str], make: Callable[[Store], Answer]) -> Answer:
        def answer() -> Answer:
            with self._opened() as store:
                return make(store)

        return self._kept_or_made(key, answer)

    def _opened(self) -> Store:
        store = Store.open_readonly(self._db)
        store.damage = DamageReports(lambda line: None)  # `collect` reports it
        return store

    def _kept_or_made(self, key: tuple[str, str], make: Make) -> Answer:
        """The answer of a moment ago, or a new one, of what the collector knows by now."""
        now_s = time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now_s - kept[0] < KEPT_S:
            return kept[1]
        if now_s - self._wrote_s >= KEPT_S:
            self._wrote_s = now_s
            with suppress(OSError):
                let_write(self._db)
        try:
            answer = make()
        except StoreError as error:
            return Answer.line(BUSY, str(error))
        while len(self._kept) >= KEPT_MAX:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[key] = time.monotonic(), answer
        return answer

    def _fleet(self, reader: FleetReader) -> Answer:
        return Answer(OK, fleet_page(reader.fleet(time.time())).encode(), _HTML)

    def _metrics(self, reader: FleetReader) -> Answer:
        now = time.time()
        store, fleet = reader.store, reader.fleet(now)
        parts = [part for name in parts_of(self._config) if (part := store.part(name)) is not None]
        families = [
            *board_families(reader, fleet, store),
            *need_families(reader, fleet.boards),
            *link_families(store),
            *collector_families(store, self._db, self.pulse, parts, self._channels, now),
        ]
        return Answer(OK, exposition(families).encode(), KIND)

    def _health(self) -> Answer:
        """Never an old answer."""
        try:
            with self._opened() as store:
                now, health = time.time(), {name: store.channel(name) for name in self._channels}
                failing = [(name, now - one.since, one.last_error) for name, one in health.items() if one.failures]
                found = problems(self.pulse, bool(store.collector_pid()), failing)
        except StoreError as error:
            found = [str(error)]
        return Answer.line(BUSY, "\n".join(found)) if found else Answer.line(OK, "ok")

    def _status(self, store: Store) -> Answer:
        now = time.time()
        found = status_json(store, self._config, board_names(store, self._config), now, True)
        return Answer(OK, json.dumps(found).encode() + b"\n", _JSON)

    def _board(self, store: Store, name: str, span: str) -> Answer:
        if name not in board_names(store, self._config):
            return Answer.line(NOT_FOUND, "no such board; / has all boards")
        now = time.time()
        (report,) = reports_of(store, self._config, {name: now - SPANS[span]}, now, now)
        return Answer(OK, board_page(report, span, now).encode(), _HTML)
