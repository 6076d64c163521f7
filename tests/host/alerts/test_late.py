"""Snapshots that come after newer ones were judged: nothing stays unjudged, and one message says so."""

import pytest
from boards import boot, config, refused, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.alerts.late import GATHER_S
from buddywatch.model.alerts import Route
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.store import Store
from feeder import Feeder


@pytest.fixture
def feeder(tmp_path):
    """A board whose frames 3 to 49 were not waited for any longer."""
    with Store.open(tmp_path / "a.db") as store:
        made = Feeder(store, config(silent_after_s=10**6, tight="off"))
        made.play(boot(), snapshot(1), snapshot(2), snapshot(50), snapshot(51))
        made.wait(60)
        yield made


def late(feeder, *shots):
    """Each comes by itself, as answers to requests do."""
    for shot in shots:
        feeder.feed(shot)
        feeder.wait(1)
    feeder.wait(GATHER_S)


def test_a_refusal_in_late_snapshots_is_reported_once_with_its_times(feeder):
    late(feeder, *map(refused, range(10, 21)), *map(snapshot, range(21, 30)))
    assert feeder.changes() == [("refused", "ok", "noted", 20)]
    (incident,) = feeder.store.incidents("xp")
    assert (incident.need, incident.state, incident.severity) == ("rm", "noted", "critical")
    assert (incident.opened, incident.closed) == (refused(10).time, refused(20).time)
    assert incident.text.endswith("would have failed in 11 snapshots within 50 s, which came late")
    maker = MessageMaker(feeder.store, feeder.settings)
    Dispatcher(feeder.store, feeder.settings, [Route("mail")], maker.make).run(feeder.time)
    [row] = feeder.store.messages()
    assert "CRIT xp: rm: a request of 61440 contiguous bytes would have failed" in row.message.subject
    assert row.message.payload["claims"][0]["late"] is True
    assert "Delayed" in row.message.body and "Lasted" in row.message.body


def test_the_order_of_their_arrival_does_not_matter(feeder):
    late(feeder, *map(refused, (20, 12, 30, 11)))
    (incident,) = feeder.store.incidents("xp")
    assert (incident.opened, incident.closed) == (refused(11).time, refused(30).time)


def test_fewer_than_must_hold_are_not_reported(feeder):
    late(feeder, refused(10), snapshot(11))
    assert feeder.changes() == []


def test_what_is_refused_now_is_known(feeder):
    feeder.play(refused(52), refused(53))
    late(feeder, *map(refused, range(10, 21)))
    assert feeder.changes() == [("refused", "pending", "firing", 53)]


def test_they_change_no_state_of_the_present(feeder):
    late(feeder, *map(refused, range(10, 21)))
    feeder.play(refused(52))
    assert [to for _, _, to, _ in feeder.changes(reported_only=False)] == ["noted", "pending"]


def test_the_end_of_a_recording_reports_them_at_once(feeder):
    feeder.feed(*map(refused, range(10, 21)))
    feeder.settle()
    assert feeder.changes() == [("refused", "ok", "noted", 20)]


def test_the_rule_may_be_off(tmp_path):
    with Store.open(tmp_path / "b.db") as store:
        feeder = Feeder(store, config(refused="off", silent_after_s=10**6))
        feeder.play(boot(), snapshot(1), snapshot(50))
        feeder.wait(60)
        late(feeder, *map(refused, range(10, 21)))
        assert feeder.changes("refused") == []
