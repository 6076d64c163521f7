"""Reads the fleet for the live view: what changed since the last look, and as little else as possible."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from buddyd import watermark

from buddywatch.config.sections import Config
from buddywatch.model.alerts import CRITICAL, SILENT, Incident, Silence, mutes, rule_rank, without_covered
from buddywatch.model.forecasts import MarginRecord, NeedForecast
from buddywatch.model.health import RUNNING
from buddywatch.model.links import LinkState
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.store.newest import Newest, NewestReader
from buddywatch.store.store import Store
from buddywatch.terminal import view as v
from buddywatch.terminal.need_lines import need_lines
from buddywatch.terminal.overview import board_names, judged
from buddywatch.text.escape import brief_duration, counted, local_clock, one_line
from buddywatch.text.forecast_words import current_forecasts
from buddywatch.text.link_words import unheard_words
from buddywatch.text.silence_words import no_collector_words, silence_words
from buddywatch.verdict.margin_course import margin_points

SLOWLY_S = 30.0  # between looks at what changes slowly: courses of margins, the names of the boards
NEWS = 2
_DAY_S, _WEEK_S = 86_400.0, 7 * 86_400.0
_SOON_S = _DAY_S


@dataclass
class Known:
    """What is kept of a board between two looks."""

    boot: Boot | None = None
    snapshot: Snapshot | None = None
    state: BoardState | None = None
    courses: dict[str, list[tuple[float, int]]] = field(default_factory=dict)


class FleetReader:
    """Reads what `store` holds. news: lines of a collector that shows itself in this view."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store = store
        self.config = config
        self.news: list[str] = []
        self.problem = ""
        self._newest = NewestReader(store)
        self._known: dict[str, Known] = {}
        self._names: list[str] = []
        self._slowly_at_s = float("-inf")

    def fleet(self, now: float) -> v.Fleet:
        store = self.store
        incidents: dict[str, list[Incident]] = defaultdict(list)
        for incident in store.incidents(open_only=True):
            incidents[incident.board].append(incident)
        numbers = [incident.id for found in incidents.values() for incident in found]
        known, silences = set(store.acknowledged(numbers)) if numbers else set(), store.silences(now)
        self._look(now)
        links, heard = store.links_of_all(), store.heard_ago_s_of_all()
        forecasts = self._newest.forecasts(self._names)
        boards = []
        for name in self._names:
            alerts = _alerts(incidents.get(name, []), silences, known, now)
            age_s = self._age_s(self.known(name).snapshot, heard.get(name), now)
            line = self._board(name, links.get(name, []), incidents.get(name, []), forecasts.get(name, []), age_s, now)
            boards.append(replace(line, alerts=alerts) if alerts else line)
        return v.Fleet(
            tuple(boards),
            local_clock(now),
            self._mail(now),
            self._news(),
            tuple(unheard_words(link) for link in store.unheard_links()),
            self._problem(boards, now),
        )

    def aged(self, fleet: v.Fleet, now: float) -> v.Fleet:
        """The same fleet a moment later, when nothing new is stored: only ages and the clock are new."""
        heard = self.store.heard_ago_s_of_all()
        boards = [
            replace(board, age_s=self._age_s(self.known(board.name).snapshot, heard.get(board.name), now))
            for board in fleet.boards
        ]
        return replace(fleet, boards=tuple(boards), time_text=local_clock(now), problem=self._problem(boards, now))

    def _problem(self, boards: list[v.BoardLine], now: float) -> str:
        return self.problem or self._without_collector(boards, now)

    def known(self, name: str) -> Known:
        """What was read of a board last."""
        return self._known.get(name, Known())

    def _look(self, now: float) -> None:
        """The newest snapshots, judged; the names of the boards and the courses of their margins now and then."""
        is_due = not self._names or not 0 <= now - self._slowly_at_s < SLOWLY_S
        if is_due:
            self._names, self._slowly_at_s = board_names(self.store, self.config), now
        records = self._newest.margins(self._names) if is_due else {}
        newest = self._newest.of_all()
        for name in self._names:
            boot, snapshot = newest.get(name, Newest())
            known = self._known.setdefault(name, Known())
            last, last_boot, known.snapshot, known.boot = known.snapshot, known.boot, snapshot, boot
            is_new_boot = boot is not None and (last_boot is None or boot.boot_id != last_boot.boot_id)
            if is_due or is_new_boot:
                margins = records.get(name, []) if is_due else self.store.margins(name)
                known.courses = _courses(margins, boot)
            if is_due or last is not snapshot or last_boot is not boot:
                known.state = judged(snapshot, boot, self.config, name)

    def _board(
        self,
        name: str,
        links: list[LinkState],
        incidents: list[Incident],
        made: list[NeedForecast],
        age_s: float | None,
        now: float,
    ) -> v.BoardLine:
        known = self.known(name)
        snapshot, state, facts = known.snapshot, known.state, known.boot.facts if known.boot else {}
        needs: tuple[v.NeedLine, ...] = ()
        if snapshot is not None and state is not None:
            forecasts = current_forecasts(made, snapshot)
            wanted = self.config.needs_of(self.config.name_of(name, facts))
            needs = need_lines(snapshot, state, wanted, forecasts, known.courses, incidents, now)
        note = silence_words(links, facts, age_s, any(one.rule == SILENT for one in incidents), now)
        urgency = urgency_of(needs, incidents, bool(note))
        return v.BoardLine(name, urgency, needs, state.serviceable_bytes if state else None, age_s, note)

    @staticmethod
    def _age_s(snapshot: Snapshot | None, heard_ago_s: float | None, now: float) -> float | None:
        if snapshot is None:
            return None
        return heard_ago_s if heard_ago_s is not None else max(0.0, now - snapshot.time)

    def _mail(self, now: float) -> str:
        if self.config.mail is None and not self.config.hooks and not self.config.receivers:
            return "no mail set up"
        count, oldest = self.store.backlog()
        if not count or oldest is None or now - oldest < 60:
            return "mail ok"
        return f"MAIL STUCK: {counted(count, 'message')}, {brief_duration(now - oldest)}"

    def _news(self) -> tuple[str, ...]:
        opened = [
            f"{local_clock(incident.opened)} {one_line(incident.board)}: {one_line(incident.text)}"
            for incident in self.store.newest_incidents(NEWS)
        ]
        return (*opened, *self.news[-1:])[-NEWS:]

    def _without_collector(self, boards: list[v.BoardLine], now: float) -> str:
        part = self.store.part("writer")
        if part is not None and part.state == RUNNING:
            return ""
        return no_collector_words([board.age_s for board in boards], now)


def _courses(records: list[MarginRecord], boot: Boot | None) -> dict[str, list[tuple[float, int]]]:
    """The margins of the boot's needs over time."""
    own = [record for record in records if boot is not None and record.boot_id == boot.boot_id]
    return {record.need: margin_points(record, _WEEK_S) for record in own}


def _alerts(incidents: list[Incident], silences: list[Silence], known: set[int], now: float) -> tuple[v.AlertLine, ...]:
    found = sorted(without_covered(incidents), key=lambda incident: rule_rank(incident.rule))
    return tuple(
        v.AlertLine(
            one.id,
            one.rule,
            one.need,
            f"{one.severity}, {one.rule} for {brief_duration(now - one.opened)}: {one_line(one.text)}",
            any(mutes(silence, one.board, one.rule, one.need, now) for silence in silences),
            one.id in known,
        )
        for one in found
    )


def urgency_of(needs: tuple[v.NeedLine, ...], incidents: list[Incident], is_silent: bool) -> int:
    """Missing data never makes a failing board look better."""
    rules = {one.rule for one in incidents if one.severity == CRITICAL} - {SILENT}
    if any(need.failing_s is not None or need.verdict == watermark.REFUSED for need in needs) or rules:
        return v.FAILS
    if any(
        need.verdict == watermark.TIGHT or (need.forecast.in_s is not None and need.forecast.in_s < _SOON_S)
        for need in needs
    ):
        return v.SOON
    if is_silent:
        return v.SILENT
    return v.ALERT if incidents else v.FINE
