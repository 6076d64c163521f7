"""The daily digest: once a day, also when nothing happened, and on one page."""

import time

import pytest
from boards import START, boot, config, kernel_event, refused, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.alerts.quiet import newest_time
from buddywatch.model.alerts import Incident, Route
from buddywatch.notify.digest import BoardDay, compose_digest
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.store import Store
from feeder import Feeder

HOUR_S = 3600


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def dispatcher(store, settings):
    maker = MessageMaker(store, settings)
    return Dispatcher(store, settings, [Route("mail")], maker.make, make_digest=maker.digest)


def digests(store):
    return [row.message for row in store.messages() if "digest" in row.message.subject.lower()]


def test_a_digest_comes_once_a_day_at_its_time_also_over_restarts(store):
    settings = config(digest=8 * 60)  # START is 22:13 of a day
    for hour in range(72):
        for minute in (0, 1):
            dispatcher(store, settings).run(START + hour * HOUR_S + 60 * minute)
    made = [time.gmtime(row.created).tm_hour for row in store.messages()]
    assert made == [8, 8, 8]
    assert digests(store)[0].subject == "[buddywatch] Digest: 0 boards, 0 open alerts, 0 alerts in 24 h"


def test_without_a_time_there_is_none(store):
    assert sum(dispatcher(store, config()).run(START + hour * HOUR_S) for hour in range(50)) == 0


def test_a_clock_that_was_set_back_makes_no_digest_twice(store):
    settings = config(digest=8 * 60)
    made = [dispatcher(store, settings).run(START + hour * HOUR_S) for hour in (0, 12, 5, 6, 12, 30, 36)]
    assert sum(made) <= 3


def test_a_digest_says_how_the_boards_are_and_what_happened(store):
    settings = config(digest=0, tight="off", silent_after_s=10**6)
    Feeder(store, settings, "good").play(boot(), snapshot(1), snapshot(2))
    bad = Feeder(store, settings, "bad")
    bad.play(boot(), refused(1), refused(2), kernel_event(3, 15000))
    message = MessageMaker(store, settings).digest(bad.time + 60)
    assert message.subject == "[buddywatch] Digest: 2 boards, 2 open alerts, 2 alerts in 24 h"
    lines = message.body.splitlines()
    assert lines[1].startswith("  bad: rm FAILS") and lines[2].startswith("  good: rm OK")
    assert "  refused: 1 time on 1 board" in lines and "  kernel_failure: 1 time on 1 board" in lines
    assert "If this mail is missing one day" in " ".join(lines[-2:])
    assert len(lines) <= 40
    assert message.payload["boards"] == ["bad", "good"]


def test_a_digest_of_a_bad_day_of_many_boards_is_one_page():
    urls = ("telnet://roof-switch.example.org:2323", "serial:///dev/ttyUSB0?baud=115200")
    rules = ("silent", "low-memory", "leak", "storm", "reboots", "old-boot", "bad-line")
    days = []
    for name in (f"roof-{number}" for number in range(200)):
        alerts = [
            Incident(1, name, rule, None, "critical", "firing", START, None, "x " * 45, None, None) for rule in rules
        ]
        days.append(BoardDay(name, None, {}, tuple(alerts), 7, urls, 9000.0))
    lines = compose_digest(days, [], START + 60).body.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 72
    assert lines[1].startswith("  roof-0: no data for 2 h 30 min")
    assert any(line.endswith(" more boards") for line in lines) and "  and 1395 more open alerts" in lines


@pytest.mark.parametrize(("minutes", "ago_s"), [(8 * 60, 2 * HOUR_S), (10 * 60, 0), (10 * 60 + 1, 86400 - 60)])
def test_the_newest_time_of_day(minutes, ago_s):
    now = 86400 * 20000 + 10 * HOUR_S
    assert newest_time(minutes, now) == now - ago_s


def test_a_refused_need_is_one_open_alert(store):
    """`tight` is open beside `refused`, for the same need; its line would say the same."""
    feeder = Feeder(store, config(tight="warning"))
    feeder.play(boot(), *(refused(seq) for seq in range(1, 8)))
    assert {one.rule for one in store.incidents(open_only=True)} >= {"refused", "tight"}
    message = MessageMaker(store, config()).digest(feeder.time + 60)
    assert message.subject == "[buddywatch] Digest: 1 board, 1 open alert, 1 alert in 24 h"
    assert "tight" not in message.body and "refused: 1 time on 1 board" in message.body
