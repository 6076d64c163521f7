"""What a message about one board reports and when: the decisions alone."""

import time
from dataclasses import replace

import pytest
from boards import BOOT_ID, START, config
from buddywatch.alerts.plan import Plan, View, plan, repeats
from buddywatch.alerts.quiet import is_quiet
from buddywatch.model.alerts import Beginning, Incident, Repeat, Transition

NOW = START + 100_000
ALERT = config(batch_s=30, repeat_after_s=3600).alert
INTERVAL_S = 300  # ten batches


def incident(number, rule="refused", need="rm", state="firing", age_s=None, severity="critical"):
    """age_s: time since the last message about it. A closed one has state "ok"."""
    reported = None if age_s is None else NOW - age_s
    closed = NOW - 1 if state == "ok" else None
    opened = NOW - 9000 if reported is None else reported - 60
    return Incident(number, "xp", rule, need, severity, state, opened, closed, "text", None, reported)


def change(number, of, to="firing"):
    """A transition of an incident."""
    return Transition(
        number, of.id, "xp", of.rule, of.need, "?", to, of.severity, NOW - 60, 1, BOOT_ID, 5000, "text", False
    )


def view(changes=(), incidents=(), noted_s=31, **rest):
    """noted_s: so long ago the changes were noted."""
    by_id = {one.id: one for one in incidents}
    values = {"active": set(), "silenced": set(), "last_reported": None, **rest}
    return View([(one, NOW - noted_s) for one in changes], by_id, **values)


REFUSED, TIGHT = incident(1), incident(2, "tight", severity="warning")
SILENT, KERNEL = incident(3, "silent", None), incident(4, "kernel_failure", None)
OVER = replace(REFUSED, state="ok", closed=NOW - 1)
FIRED, TIGHTENED = change(11, REFUSED), change(12, TIGHT)
FELL_SILENT, FAILED, RECOVERED = change(13, SILENT), change(14, KERNEL), change(15, OVER, "ok")
TOLD = replace(OVER, last_reported=NOW - 4000)
REFUSED_NOW, SILENT_NOW = {("refused", "rm")}, {("silent", None)}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(view([FIRED], [REFUSED]), Plan((FIRED,)), id="reported-after-the-batch"),
        pytest.param(view([FIRED], [REFUSED], noted_s=29), Plan(), id="batch-still-open"),
        pytest.param(view([FIRED, TIGHTENED], [REFUSED, TIGHT]), Plan((FIRED, TIGHTENED)), id="one-message-for-all"),
        pytest.param(
            view([RECOVERED], [TOLD], last_reported=NOW - INTERVAL_S + 1), Plan(), id="next-message-waits-its-interval"
        ),
        pytest.param(
            view([RECOVERED], [TOLD], last_reported=NOW - INTERVAL_S), Plan((RECOVERED,)), id="interval-is-over"
        ),
        pytest.param(
            view([FIRED], [REFUSED], noted_s=-500, last_reported=NOW + 500), Plan((FIRED,)), id="clock-was-set-back"
        ),
        pytest.param(view([TIGHTENED], [TIGHT], last_reported=NOW - 40), Plan(), id="a-warning-waits"),
        pytest.param(view([FIRED], [REFUSED], last_reported=NOW - 40), Plan((FIRED,)), id="a-critical-one-does-not"),
        pytest.param(
            view([TIGHTENED], [TIGHT, incident(1, age_s=9)], active=REFUSED_NOW),
            Plan(),
            id="tight-waits-while-refused",
        ),
        pytest.param(view([TIGHTENED], [TIGHT], active=REFUSED_NOW), Plan(), id="tight-waits-while-refused-is-pending"),
        pytest.param(
            view([TIGHTENED], [TIGHT], active={("refused", "sh")}), Plan((TIGHTENED,)), id="tight-of-another-need"
        ),
        pytest.param(
            view([TIGHTENED, RECOVERED, change(16, TIGHT, "ok")], [TOLD, replace(TIGHT, state="ok", closed=NOW)]),
            Plan((RECOVERED,), (), (TIGHTENED, change(16, TIGHT, "ok"))),
            id="tight-that-came-and-went-with-refused",
        ),
        pytest.param(
            view([TIGHTENED, RECOVERED], [TOLD, TIGHT]), Plan((TIGHTENED, RECOVERED)), id="tight-that-outlasts-refused"
        ),
        pytest.param(
            view([FELL_SILENT, FIRED], [SILENT, REFUSED], active=SILENT_NOW), Plan((FELL_SILENT,)), id="silence-alone"
        ),
        pytest.param(view([FIRED], [REFUSED], active=SILENT_NOW), Plan(), id="silence-holds-back"),
        pytest.param(view([FAILED], [KERNEL], active=SILENT_NOW), Plan((FAILED,)), id="silence-but-for-the-kernel"),
        pytest.param(view([FIRED], [REFUSED], silenced=REFUSED_NOW), Plan((), (), (FIRED,)), id="silenced-is-dropped"),
        pytest.param(view([RECOVERED], [OVER]), Plan((), (), (RECOVERED,)), id="end-of-what-nobody-heard-of"),
        pytest.param(view([FIRED, RECOVERED], [OVER]), Plan((FIRED, RECOVERED)), id="came-and-went-in-one-batch"),
        pytest.param(view([], [incident(1, age_s=3600)]), Plan((), (incident(1, age_s=3600),)), id="reminder"),
        pytest.param(view([], [incident(1, age_s=3599)]), Plan(), id="reminder-not-due"),
        pytest.param(view([], [incident(1, state="clearing", age_s=9999)]), Plan(), id="no-reminder-while-it-clears"),
        pytest.param(view([], [REFUSED]), Plan((), (REFUSED,)), id="silence-ran-out-while-it-lasts"),
        pytest.param(view([], [REFUSED], last_reported=NOW - 40), Plan(), id="which-waits-its-interval-too"),
        pytest.param(view([], [REFUSED], silenced=REFUSED_NOW), Plan(), id="no-reminder-of-what-is-silenced"),
        pytest.param(view([], [TIGHT], active=REFUSED_NOW), Plan(), id="no-reminder-of-what-is-held-back"),
        pytest.param(
            view([], [incident(1, age_s=3600)], acknowledged={1}), Plan(), id="no-reminder-of-what-somebody-looks-after"
        ),
        pytest.param(view(), Plan(), id="nothing"),
    ],
)
def test_plan(seen, expected):
    assert plan(seen, ALERT, NOW) == expected


def test_in_quiet_hours_warnings_wait_and_go_with_the_next_critical_one(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    minute = int(NOW % 86400 // 60)
    quiet = replace(ALERT, quiet=(minute - 1, minute + 2))
    warned = view([TIGHTENED], [TIGHT])
    assert [plan(warned, quiet, NOW + 60 * later).report for later in (-1, 0, 1, 2)] == [(), (), (), (TIGHTENED,)]
    assert plan(view([TIGHTENED, FAILED], [TIGHT, KERNEL]), quiet, NOW).report == (TIGHTENED, FAILED)
    assert plan(view([], [incident(2, "tight", severity="warning", age_s=99_999)]), quiet, NOW).remind == ()
    assert plan(view([], [incident(1, age_s=9999)]), quiet, NOW).remind != ()


@pytest.mark.parametrize(
    ("hours", "quiet"), [((22 * 60, 7 * 60), True), ((7 * 60, 22 * 60), False), ((0, 3 * 60), True), (None, False)]
)
def test_quiet_hours_may_span_midnight(monkeypatch, hours, quiet):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert is_quiet(hours, 86400 * 20000 + 2 * 3600) is quiet


def test_plan_repeats_nothing_when_repeat_after_is_0():
    assert plan(view([], [incident(1, age_s=10**6)]), replace(ALERT, repeat_after_s=0), NOW) == Plan()


def begun(*hours_ago, told=True):
    return tuple(Beginning("refused", "rm", NOW - ago * 3600, NOW - ago * 3600, told) for ago in hours_ago)


# The end of the alert, noted so long ago; nothing was sent for 10 minutes.
@pytest.mark.parametrize(
    ("beginnings", "noted_s", "is_reported"),
    [
        pytest.param(begun(1), 60, True, id="began-once"),
        pytest.param(begun(1.2, 1), 60, False, id="began-twice-so-it-may-not-be-the-last-end"),
        pytest.param(begun(1.2, 1), 1439, False, id="twice-the-usual-time-of-12-minutes-is-not-over"),
        pytest.param(begun(1.2, 1), 1441, True, id="it-is-over"),
        pytest.param(begun(6, 4.5, 1.5), 3599, False, id="at-most-an-hour"),
        pytest.param(begun(6, 4.5, 1.5), 3601, True, id="which-is-over"),
        pytest.param(begun(6, 1), 60, True, id="the-first-was-too-long-before"),
        pytest.param(begun(6, 4.1), 60, True, id="both-were-too-long-ago"),
        pytest.param(begun(1.2, told=False) + begun(1), 60, True, id="one-was-never-reported"),
    ],
)
def test_the_end_of_what_came_back_waits_until_it_is_quiet(beginnings, noted_s, is_reported):
    seen = view([RECOVERED], [TOLD], noted_s=noted_s, last_reported=NOW - 600, begun=beginnings)
    assert plan(seen, ALERT, NOW).report == ((RECOVERED,) if is_reported else ())


def test_what_came_and_went_did_so_since_it_happened_and_not_since_it_was_received():
    late = tuple(Beginning("refused", "rm", NOW - ago * 3600, NOW - 5, False) for ago in (9, 6, 3))
    (found,) = repeats(view([], [], begun=late), NOW)
    assert (found.count, found.since) == (3, NOW - 9 * 3600)


def test_an_alert_that_comes_back_is_reported_at_once_until_it_did_so_three_times():
    for times, reported in ((2, (FIRED,)), (3, ())):
        seen = view(
            [FIRED], [REFUSED], last_reported=NOW - 600, begun=begun(*(1 + n / 10 for n in range(times, 0, -1)))
        )
        assert plan(seen, ALERT, NOW).report == reported


def test_what_comes_and_goes_is_counted_while_less_than_four_hours_pass_between():
    series = begun(20, 16.5, 13, 9.1, 5.5, 2)
    assert repeats(view(begun=series), NOW) == (Repeat("refused", "rm", 6, NOW - 20 * 3600),)
    assert repeats(view(begun=begun(20, 15.9, 13, 9.1)), NOW) == ()
    assert repeats(view(begun=begun(20, 15.9, 13, 9.1, 5.5, 2)), NOW) == (
        Repeat("refused", "rm", 5, NOW - 15.9 * 3600),
    )
