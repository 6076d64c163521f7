"""A board whose margin falls is warned of; a reboot ends that; a restart of the collector changes nothing."""

from dataclasses import replace

import pytest
from boards import RM, boot, config, refused, snapshot
from buddywatch.alerts import forecasts
from buddywatch.alerts.forecast_rule import Steady
from buddywatch.alerts.forecasts import RECORD_EVERY, Forecasts
from buddywatch.alerts.signals import BAD, BETWEEN, GOOD
from buddywatch.model.alerts import FIRING, OK, REFUSED_WITHIN, WARNING
from buddywatch.model.forecasts import FALLING, UNKNOWN, Forecast, MarginRecord, NeedForecast
from buddywatch.verdict.judge import judge
from feeder import Feeder

HOURS = 720  # snapshots in an hour
JUDGED_BY = ("old", 4096)


def falling(seq, every=4, boot_id="0000b001"):
    """A board that loses a block of 64 kB every so many snapshots, from 200 on."""
    return snapshot(seq, (200, 0, 0, 0, max(0, 200 - seq // every), 0, 0, 0, 0, 0, 0), boot_id)


@pytest.fixture
def xp(store):
    feeder = Feeder(store, config(tight="off"))
    feeder.feed(boot())
    return feeder


def test_a_margin_that_falls_is_warned_of_once(xp):
    xp.play(*map(falling, range(1, 500)))
    assert [change[:3] for change in xp.changes()] == [(REFUSED_WITHIN, "pending", FIRING)]
    (incident,) = xp.store.incidents("xp", open_only=True)
    assert incident.severity == WARNING
    assert incident.text.startswith("rm: at this rate refused in about ")
    (found,) = xp.store.forecasts("xp")
    assert found.forecast.trend == FALLING
    left_s = (4 * 200 - 500) * 5
    assert found.forecast.low_s < left_s < found.forecast.high_s


def test_what_is_further_ahead_than_the_limit_is_not_warned_of(store):
    xp = Feeder(store, config(tight="off", refused_within_s=300))
    xp.feed(boot())
    xp.play(*map(falling, range(1, 400)))
    assert xp.store.forecasts("xp")[0].forecast.in_s > 300
    assert xp.changes() == []


def test_it_is_switched_off_by_zero(store):
    xp = Feeder(store, config(tight="off", refused_within_s=0))
    xp.feed(boot())
    xp.play(*map(falling, range(1, 500)))
    assert xp.changes(reported_only=False) == []
    assert xp.store.forecasts("xp")[0].forecast.in_s is not None


def test_a_need_that_is_refused_is_no_forecast(xp):
    xp.play(*map(refused, range(1, 300)))
    assert {change[0] for change in xp.changes()} == {"refused"}


def test_a_reboot_ends_the_warning_at_once(xp):
    xp.play(*map(falling, range(1, 500)))
    again = boot("0000b002", "reboot", started=xp.time + 60, kboot="other")
    xp.play(again, replace(snapshot(1, boot_id="0000b002"), time=again.started + 5))
    assert [change[:3] for change in xp.changes(REFUSED_WITHIN)][-1] == (REFUSED_WITHIN, FIRING, OK)
    assert xp.store.forecasts("xp")[0].boot_id == "0000b001"


def test_a_restart_of_the_agent_keeps_the_history(xp):
    xp.play(*map(falling, range(1, 500)))
    xp.feed(boot("0000b002", "agent-restart"))
    xp.play(*(replace(falling(seq, boot_id="0000b002"), seq=seq - 499, first_seq=seq - 499) for seq in range(500, 520)))
    (found,) = xp.store.forecasts("xp")
    assert (found.boot_id, found.forecast.trend) == ("0000b002", FALLING)


@pytest.mark.parametrize("restart_at", [40, RECORD_EVERY - 1, RECORD_EVERY, RECORD_EVERY + 100, 500])
@pytest.mark.parametrize("is_killed", [True, False])
def test_a_restart_of_the_collector_changes_no_forecast(xp, restart_at, is_killed):
    xp.play(*map(falling, range(1, 600)))
    straight = xp.store.forecasts("xp")
    again = Feeder(xp.store, xp.settings, "xq")
    again.feed(boot())
    again.play(*map(falling, range(1, restart_at)))
    if not is_killed:
        again.rules.end()
        again.save()
    again.restart()
    again.play(*map(falling, range(restart_at, 600)))
    assert again.store.forecasts("xq") == straight


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"bucket_s": -1, "open": [null], "closed": []}', '{"bucket_s": "x"}']
)
def test_a_damaged_history_starts_anew(text):
    basis = f"{RM.bytes} {RM.is_program} old 4096"
    fresh, damaged = Forecasts([RM]), Forecasts([RM], [MarginRecord("rm", "0000b001", 0, basis, text)])
    for seq in range(1, 200):
        shot = falling(seq)
        states = [judge(shot, 4096, RM, "old")]
        assert fresh.take(boot(), shot, states, JUDGED_BY) == damaged.take(boot(), shot, states, JUDGED_BY)


def test_a_history_of_another_need_by_the_same_name_is_not_continued():
    larger = replace(RM, bytes=200_000)
    first = Forecasts([RM])
    for seq in range(1, 400):
        made = first.take(boot(), falling(seq), [judge(falling(seq), 4096, RM, "old")], JUDGED_BY)
    second = Forecasts([larger], first.records(at_end=True))
    for seq in range(400, 430):
        state = judge(falling(seq), 4096, larger, "old")
        made = second.take(boot(), falling(seq), [state], JUDGED_BY) or made
    assert made[0].forecast.trend == UNKNOWN


def test_forecasts_are_made_rarely(monkeypatch):
    """Not for each snapshot: with 1,000 boards at one snapshot a second, a few a second in all."""
    made = []
    monkeypatch.setattr(forecasts, "forecast", made.append)
    board = Forecasts([RM])
    for seq in range(1, 24 * HOURS):
        board.take(boot(), falling(seq, 100), [judge(falling(seq, 100), 4096, RM, "old")], JUDGED_BY)
    assert len(made) < 24 * 3600 / 150 + 100


def test_a_restart_does_not_forget_for_how_long_a_forecast_has_held(xp):
    xp.play(*map(falling, range(1, 260)))
    assert xp.changes(reported_only=False) == []
    for seq in range(260, 500):
        xp.play(falling(seq))
        xp.rules.end()
        xp.save()
        xp.restart()
    assert [change[:3] for change in xp.changes()] == [(REFUSED_WITHIN, "pending", FIRING)]


def levels(*said):
    """What Steady makes of (level, uptime_s, low_s), one after the other."""
    steady = Steady()
    found = [
        (level, NeedForecast("rm", "b", uptime_s, Forecast(FALLING, 9999.0, low_s))) for level, uptime_s, low_s in said
    ]
    return [steady.level(level, forecast) for level, forecast in found]


def test_a_failure_far_ahead_must_be_forecast_for_longer():
    assert levels((BAD, 1000, 800), (BAD, 1399, 800), (BAD, 1400, 800)) == [BETWEEN, BETWEEN, BAD]
    assert levels((BAD, 1000, 2), (BAD, 1001, 1)) == [BETWEEN, BAD]


def test_a_warning_ends_after_a_part_of_the_uptime():
    assert levels((GOOD, 8000, None), (GOOD, 8999, None), (GOOD, 9200, None)) == [BETWEEN, BETWEEN, GOOD]
    day = 86_400
    assert levels((GOOD, 9 * day, None), (GOOD, 9 * day + 3 * 3600, None)) == [BETWEEN, GOOD]


def test_what_is_not_known_changes_nothing():
    assert levels((BAD, 1000, 20), (None, 1005, None), (BAD, 1010, 20)) == [BETWEEN, None, BAD]


def test_only_a_boot_of_the_kernel_begins_the_history_anew():
    board = Forecasts([RM])
    assert not board.begin(boot(), 5.0)
    for shot in map(falling, range(1, 4)):
        board.take(boot(), shot, [judge(shot, 4096, RM, "old")], JUDGED_BY)
    assert not board.begin(boot(), 1.0)
    assert not board.begin(boot("0000b002", "agent-restart"), 20.0)
    assert board.begin(boot("0000b002", "agent-restart"), 2.0)  # the uptime fell: the kernel was booted, too
    after = falling(1, boot_id="0000b002")
    board.take(boot("0000b002"), after, [judge(after, 4096, RM, "old")], JUDGED_BY)
    assert board.begin(boot("0000b003", "reboot"), 99.0)
