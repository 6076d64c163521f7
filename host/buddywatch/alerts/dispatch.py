"""Plans messages (plan.py, together.py), has them made, and adds them to the outbox.

The rows of a message are written in the same transaction that marks its transitions as reported, so that a crash
neither repeats nor loses one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from buddywatch.alerts.plan import DAY_S, View, has_passed, is_held, plan, refusal_confirmed, repeats
from buddywatch.alerts.quiet import newest_time
from buddywatch.alerts.together import HOUR_S, Due, free_at, groups
from buddywatch.config.sections import Alert, Config
from buddywatch.model.alerts import (
    CRITICAL,
    FIRING,
    OK,
    WARNING,
    Incident,
    Message,
    Occasion,
    Route,
    Transition,
    mutes,
    rule_rank,
)
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import one_line

FAILED_REST_S = 60
LOOK_S = 30.0  # between looks at boards with open alerts and no news, of which users may have to be reminded
EARLY_PART = 4  # of repeat_after: reminders that would follow so soon go along with the first


class Dispatcher:
    """routes: which channel gets what. make: notify.gather.MessageMaker.make.

    report: called with one line for the user about a board whose message cannot be made. make_digest: makes the daily
    digest.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        routes: Sequence[Route],
        make: Callable[[Sequence[Occasion]], Message],
        report: Callable[[str], None] = lambda line: None,
        make_digest: Callable[[float], Message] | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._alert = config.alert
        self._routes = tuple(routes)
        self._make = make
        self._report = report
        self._make_digest = make_digest
        self._failed: dict[str, tuple[float, str]] = {}  # by board: when and how its message could not be made
        self._sent: list[float] | None = None  # when the messages of the last hour were made
        self._held_since: float | None = None  # since when no message may go, because too many went
        self._confirmed: set[int] = set()  # kernel failures that joined the alert about a refused need
        self._looked: float | None = None  # when all boards with open alerts were looked at

    def run(self, now: float) -> int:
        """Make the messages that are due; call it about once a second. Returns how many. StoreError.

        A board whose message cannot be made does not delay the others; it is tried again a minute later.
        """
        digests = self._digest(now)
        return digests + self._alerts(now)

    def _digest(self, now: float) -> int:
        """Make the daily digest if it is time. The first one comes when its time of day comes for the first time."""
        if self._make_digest is None or self._alert.digest is None:
            return 0
        made = self._store.digest_made()
        if made is not None and 0 <= newest_time(self._alert.digest, now) <= made <= now:
            return 0
        with self._store.batch():
            self._store.note_digest(now)
            if made is None or made > now:  # never yet, or the clock was set back
                return 0
            self._store.add_message([route.channel for route in self._routes], "", self._make_digest(now), now)
        return 1

    def _alerts(self, now: float) -> int:
        sent = self._lately(now)
        if free_at(sent, self._alert, now) > now:
            self._held_since = self._held_since if self._held_since is not None else now
            return 0
        due, views = self._due(now)
        made = 0
        for group in groups(due, views, sent, self._alert, now):
            made += self._process(group, now)
        self._held_since = None
        return made

    def _lately(self, now: float) -> list[float]:
        """When the messages of the last hour were made."""
        if self._sent is None:
            self._sent = self._store.made_since(now - HOUR_S)
        self._sent = [time for time in self._sent if not has_passed(HOUR_S, time, now)]
        return self._sent

    def _due(self, now: float) -> tuple[list[Due], list[View]]:
        """The boards with something to report now, and the views of all that have news."""
        boards = dict.fromkeys(self._store.boards_to_report())
        if self._looked is None or has_passed(LOOK_S, self._looked, now):
            self._looked = now
            boards |= dict.fromkeys(self._store.boards_with_open_incidents())
        rested = [board for board in sorted(boards) if not self._is_resting(board, now)]
        found = [one for board in rested if (one := self._planned(board, now, is_early=False)) is not None]
        if any(one.plan.remind and not one.plan.report for one in found):
            found = [one for board in rested if (one := self._planned(board, now, is_early=True)) is not None]
        return [one for one in found if one.plan.is_due], [one.view for one in found]

    def _is_resting(self, board: str, now: float) -> bool:
        return board in self._failed and not has_passed(FAILED_REST_S, self._failed[board][0], now)

    def _planned(self, board: str, now: float, is_early: bool) -> Due | None:
        """is_early: remind early, beside reminders of other boards. None if it failed."""
        try:
            view, alert = self._view(board, now), self._alert_of(board)
            what = plan(view, alert, now, alert.repeat_after_s / EARLY_PART if is_early else 0.0)
            if what.drop:
                self._drop(what.drop, view, now)
            return Due(board, view, what)
        except StoreError:
            raise
        except Exception as error:  # such as a stored value that our code does not expect
            self._set_aside(board, error, now)
            return None

    def _drop(self, changes: Sequence[Transition], view: View, now: float) -> None:
        """Changes that no message will report. The kernel's own word on a refused need joins that alert."""
        with self._store.batch():
            self._store.mark_reported(change.id for change in changes)
            for change in changes:
                refusal, number = refusal_confirmed(change, view, now), change.incident_id
                if number is not None and change.to == OK:
                    self._confirmed.discard(number)
                elif number is not None and change.to == FIRING and refusal is not None:
                    self._store.mark_incident_reported(number, refusal.message_id or "", now)
                    self._confirmed.add(number)

    def _alert_of(self, board: str) -> Alert:
        """The settings of the board's alerts."""
        if not self._config.has_alerts_of_boards:
            return self._alert
        boot = self._store.latest_boot(board)
        return self._config.alert_of(self._config.name_of(board, boot.facts if boot else {}))

    def _process(self, group: Sequence[Due], now: float) -> int:
        """Make the message of these boards; if that fails, one for each, since the fault is in one of them."""
        try:
            with self._store.batch():
                self._send(group, now)
        except StoreError:
            raise
        except Exception as error:
            if len(group) > 1:
                return sum(self._process([one], now) for one in group)
            self._set_aside(group[0].board, error, now)
            return 0
        for one in group:
            self._failed.pop(one.board, None)
        self._lately(now).append(now)
        return 1

    def _set_aside(self, board: str, error: Exception, now: float) -> None:
        words = f"{type(error).__name__}: {one_line(str(error))}"
        if self._failed.get(board, (0.0, ""))[1] != words:
            self._report(f"{one_line(board)}: its alerts cannot be sent: {words}; the other boards go on")
        self._failed[board] = now, words

    def _view(self, board: str, now: float) -> View:
        unreported = self._store.unreported(board)
        incidents = {incident.id: incident for incident in self._store.incidents(board, open_only=True)}
        others = {change.incident_id or 0 for change, _ in unreported} - incidents.keys()
        incidents |= {incident.id: incident for incident in self._store.incidents_numbered(others)}
        active = {key for key, state in self._store.rule_states(board).items() if state.phase != OK}
        keys = {(change.rule, change.need) for change, _ in unreported} | {(i.rule, i.need) for i in incidents.values()}
        silences = self._store.silences(now)
        silenced = {key for key in keys if any(mutes(silence, board, *key, now) for silence in silences)}
        acknowledged = self._store.acknowledged(incidents)
        begun = self._store.beginnings(board, now - DAY_S) if unreported else []
        return View(
            unreported, incidents, active, silenced, self._store.last_reported(board), begun, acknowledged,
            self._confirmed,
        )  # fmt: skip

    def _send(self, group: Sequence[Due], now: float) -> None:
        for boards, channels in self._shares(group).items():
            part = [one for one in group if one.board in boards]
            occasions = [replace(_occasion(one, now), held_since=self._held_since) for one in part]
            message = self._make(occasions)
            self._store.add_message(channels, boards[0] if len(boards) == 1 else "", message, now)
            for occasion in occasions:
                for incident in occasion.incidents:
                    self._store.mark_incident_reported(incident.id, message.message_id, now)
        self._store.mark_reported(change.id for one in group for change in one.plan.report)

    def _shares(self, group: Sequence[Due]) -> dict[tuple[str, ...], list[str]]:
        """Boards of the group -> the channels that get a message about just these; all of them come first."""
        every = tuple(one.board for one in group)
        shares: dict[tuple[str, ...], list[str]] = {every: []}
        for route in self._routes:
            wanted = tuple(one.board for one in group if route.takes(one.board, _gravest(one)))
            if wanted:
                shares.setdefault(wanted, []).append(route.channel)
        return shares


def _gravest(one: Due) -> str:
    """The gravest severity of what there is to report. The end of a critical alert is as important as the alert."""
    severities = {change.severity for change in one.plan.report} | {alert.severity for alert in one.plan.remind}
    return CRITICAL if CRITICAL in severities else WARNING


def _occasion(one: Due, now: float) -> Occasion:
    view, what = one.view, one.plan
    about = {change.incident_id for change in what.report} | {incident.id for incident in what.remind}
    # Open incidents that were reported before are listed as well, which serves as a reminder.
    shown = about | {i.id for i in view.incidents.values() if i.last_reported is not None and _may_be_shown(i, view)}
    incidents = sorted((i for i in view.incidents.values() if i.id in shown), key=_by_gravity)
    earlier = sorted((i for i in incidents if i.id in about and i.message_id), key=lambda incident: incident.opened)
    references = tuple(dict.fromkeys(str(incident.message_id) for incident in earlier))
    return Occasion(one.board, now, what.report, tuple(incidents), references, repeats(view, now))


def _may_be_shown(incident: Incident, view: View) -> bool:
    is_silenced = (incident.rule, incident.need) in view.silenced
    return incident.closed is None and not is_silenced and not is_held(incident, view)


def _by_gravity(incident: Incident) -> tuple[bool, int, int]:
    return incident.severity != CRITICAL, rule_rank(incident.rule), incident.id
