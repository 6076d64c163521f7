"""Incidents, transitions, silences and the outbox as rows."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from boards import START
from buddywatch.model.alerts import CRITICAL, FIRING, OK, Incident, Message, RuleState, Silence, Transition
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
MESSAGE = Message("subject", "body\nwith lines", {"board": "xp", "list": [1, None]}, "<1@x>", ("<0@x>",))


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
    assert store.boards_to_report() == ["news", "open"]


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


# --- outbox ---


def test_message_is_a_row_for_each_channel(store):
    store.add_message(["mail", "hook:led"], "xp", MESSAGE, NOW)
    rows = store.messages()
    assert [(row.channel, row.state, row.attempts, row.next_try) for row in rows] == [
        ("mail", "waiting", 0, NOW),
        ("hook:led", "waiting", 0, NOW),
    ]
    assert {row.board for row in rows} == {"xp"}
    assert [row.message for row in rows] == [MESSAGE, MESSAGE]


def test_claimed_message_is_nobody_elses(store, path):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    claimed = store.claim_message(NOW, ["mail"])
    assert (claimed.state, claimed.attempts, claimed.message) == ("sending", 1, MESSAGE)
    with Store.open(path) as other:
        assert other.claim_message(NOW, ["mail"]) is None


def test_messages_are_shared_out_among_claimers_in_a_hurry(store, path):
    for _ in range(60):
        store.add_message(["mail"], "xp", MESSAGE, NOW)
    claimed = []

    def claim_all():
        with Store.open(path) as mine:
            while (row := mine.claim_message(NOW, ["mail"])) is not None or mine.next_message_due() is not None:
                claimed.extend([row.id] if row else [])

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [row.id for row in store.messages()]


def test_only_due_messages_of_the_asked_channels_are_claimed(store):
    store.add_message(["hook:led", "mail"], "xp", MESSAGE, NOW)
    assert store.claim_message(NOW - 1, ["mail"]) is None
    assert store.claim_message(NOW, ["fax"]) is None
    assert store.claim_message(NOW, []) is None
    assert store.claim_message(NOW, ["mail"]).channel == "mail"


def test_delayed_message_comes_again_when_it_is_due(store):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    row = store.claim_message(NOW, ["mail"])
    store.message_delayed(row.id, "connection refused", NOW + 60)
    assert store.claim_message(NOW + 59, ["mail"]) is None
    assert store.next_message_due() == NOW + 60
    again = store.claim_message(NOW + 60, ["mail"])
    assert (again.id, again.attempts, again.last_error) == (row.id, 2, "connection refused")


def test_sent_and_failed_messages_stay_as_rows(store):
    store.add_message(["mail", "hook:led"], "xp", MESSAGE, NOW)
    store.message_sent(store.claim_message(NOW, ["mail"]).id, NOW + 1)
    store.message_failed(store.claim_message(NOW, ["hook:led"]).id, "no such command")
    rows = store.messages()
    assert [(row.state, row.sent_at, row.last_error) for row in rows] == [
        ("sent", NOW + 1, None),
        ("failed", None, "no such command"),
    ]
    assert store.next_message_due() is None
    assert [row.channel for row in store.messages(["failed"])] == ["hook:led"]
    assert store.claim_message(NOW + 9999, ["mail", "hook:led"]) is None


def test_oldest_message_is_claimed_first(store):
    for number in range(3):
        store.add_message(["mail"], "xp", replace(MESSAGE, subject=str(number)), NOW - number)
    assert [store.claim_message(NOW, ["mail"]).message.subject for _ in range(3)] == ["2", "1", "0"]


def test_message_of_a_sender_that_died_waits_again(store, path):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    claim = "import sys; from buddywatch.store.store import Store; Store.open(sys.argv[1]).claim_message(2e9, ['mail'])"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", claim, path], env=env, check=True)
    assert [row.state for row in store.messages()] == ["sending"]
    assert store.release_abandoned() == 1
    again = store.claim_message(NOW, ["mail"])
    assert again.attempts == 2
    assert store.release_abandoned() == 0


def test_a_message_that_somebody_else_has_claimed_meanwhile_is_not_released(store, path):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    store.claim_message(NOW, ["mail"])

    def meanwhile(owner):
        with Store.open(path) as other:
            other._run("UPDATE outbox SET owner = 'another/1'")
        return True

    assert store._release(meanwhile) == 0
    assert [row.state for row in store.messages()] == ["sending"]


def test_process_number_that_is_used_again_is_not_the_sender(store):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    store.claim_message(NOW, ["mail"])
    store._run("UPDATE outbox SET owner = ?", (f"{os.getpid()}/1",))  # as if this process had started long before
    assert store.release_abandoned() == 1
