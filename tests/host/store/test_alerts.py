"""Incidents, transitions and silences as rows."""

from dataclasses import replace

import pytest
from boards import START
from buddywatch.model.alerts import CRITICAL, FIRING, OK, Incident, RuleState, Silence, Transition
from buddywatch.store.store import Store

NOW = START + 1000.5
INCIDENT = Incident(0, "xp", "refused", "rm", CRITICAL, FIRING, START, None, "rm: refused", None, None)
TRANSITION = Transition(
    0,
    None,
    "xp",
    "refused",
    "rm",
    "pending",
    FIRING,
    CRITICAL,
    START + 0.25,
    7,
    "0000b001",
    35000,
    "rm: refused",
    False,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


@pytest.fixture
def store(path):
    with Store.open(path) as opened:
        yield opened


# --- rules ---


def test_rule_states_come_back_by_rule_and_need(store):
    states = {
        ("refused", "rm"): RuleState(FIRING, 0, store.add_incident(INCIDENT)),
        ("silent", None): RuleState("pending", 1),
    }
    for (rule, need), state in states.items():
        store.set_rule_state("xp", rule, need, state)
    assert store.rule_states("xp") == states
    store.set_rule_state("xp", "silent", None, RuleState())
    assert store.rule_states("xp")["silent", None] == RuleState()
    assert store.rule_states("other") == {}


def test_incident_comes_back_and_closes(store):
    first = store.add_incident(INCIDENT)
    store.add_incident(replace(INCIDENT, board="other", need=None))
    assert store.incident(first) == replace(INCIDENT, id=first)
    assert [one.board for one in store.incidents()] == ["xp", "other"]
    store.set_incident_state(first, OK, START + 60)
    assert store.incidents("xp") == [replace(INCIDENT, id=first, state=OK, closed=START + 60)]
    assert [one.board for one in store.incidents(open_only=True)] == ["other"]
    assert store.incident(99) is None


def test_incident_keeps_the_id_of_its_first_message(store):
    incident = store.add_incident(INCIDENT)
    assert store.last_reported("xp") is None
    for number in (1, 2):
        store.mark_incident_reported(incident, f"<{number}@x>", NOW + number)
    assert store.incident(incident) == replace(INCIDENT, id=incident, message_id="<1@x>", last_reported=NOW + 2)
    assert store.last_reported("xp") == NOW + 2


def test_transition_waits_until_it_is_told(store):
    incident = store.add_incident(INCIDENT)
    told = store.add_transition(replace(TRANSITION, incident_id=incident, late=True), NOW, needs_message=True)
    store.add_transition(replace(TRANSITION, need=None), NOW, needs_message=False)
    assert store.unreported("xp") == [(replace(TRANSITION, id=told, incident_id=incident, late=True), NOW)]
    store.mark_reported([told])
    assert store.unreported("xp") == []
    assert [one.need for one in store.transitions("xp")] == ["rm", None]
    assert store.transitions("xp", since=START + 1) == []


def test_boards_to_tell_have_news_or_open_incidents(store):
    store.add_transition(replace(TRANSITION, board="news"), NOW, needs_message=True)
    store.add_transition(replace(TRANSITION, board="told"), NOW, needs_message=False)
    store.add_incident(replace(INCIDENT, board="open"))
    store.add_incident(replace(INCIDENT, board="over", closed=START))
    assert store.boards_to_report() == ["news"]
    assert store.boards_with_open_incidents() == ["open"]


# --- silences ---


def silence(**changes):
    return replace(Silence(0, "xp", "refused", None, NOW, NOW + 7200, "being replaced"), **changes)


@pytest.mark.parametrize(
    ("changes", "asked", "answer"),
    [
        pytest.param({}, ("xp", "refused", "rm", NOW), True, id="rule"),
        pytest.param({}, ("xp", "refused", None, NOW + 7199), True, id="until-the-end"),
        pytest.param({}, ("xp", "refused", "rm", NOW + 7200), False, id="over"),
        pytest.param({}, ("xp", "refused", "rm", NOW - 1), False, id="not-yet"),
        pytest.param({}, ("xp", "tight", "rm", NOW), False, id="another-rule"),
        pytest.param({}, ("yp", "refused", "rm", NOW), False, id="another-board"),
        pytest.param({"need": "rm"}, ("xp", "refused", "rm", NOW), True, id="need"),
        pytest.param({"need": "rm"}, ("xp", "refused", "sh", NOW), False, id="another-need"),
        pytest.param({"rule": None}, ("xp", "silent", None, NOW), True, id="all-rules"),
    ],
)
def test_silenced(store, changes, asked, answer):
    store.add_silence(silence(**changes))
    assert store.silenced(*asked) is answer


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"comment": "  "}, "needs a comment", id="no-comment"),
        pytest.param({"until": NOW}, "needs an end in the future", id="no-end"),
    ],
)
def test_silence_must_have_an_end_and_a_comment(store, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        store.add_silence(silence(**changes))
    assert store.silences(NOW) == []


def test_silences_in_force_are_listed(store):
    store.add_silence(silence(until=NOW + 1))
    second = store.add_silence(silence(need="rm", rule=None))
    assert store.silences(NOW + 1) == [silence(id=second, need="rm", rule=None)]
