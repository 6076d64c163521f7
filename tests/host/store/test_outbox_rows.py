"""The outbox as rows: who claims what, and what waits for what."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from boards import START
from buddywatch.model.alerts import ChannelHealth, Message
from buddywatch.store.store import Store

NOW = START + 1000.5
MESSAGE = Message("subject", "body\nwith lines", {"board": "xp", "list": [1, None]}, "<1@x>", ("<0@x>",))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


@pytest.fixture
def store(path):
    with Store.open(path) as opened:
        yield opened


def claim(store, now=NOW, channel="mail"):
    """One message, or None."""
    return next(iter(store.claim_messages(now, channel, 0.0)), None)


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
    claimed = claim(store, NOW, "mail")
    assert (claimed.state, claimed.attempts, claimed.message) == ("sending", 1, MESSAGE)
    with Store.open(path) as other:
        assert claim(other, NOW, "mail") is None


def test_messages_are_shared_out_among_claimers_in_a_hurry(store, path):
    for _ in range(60):
        store.add_message(["mail"], "xp", MESSAGE, NOW)
    claimed = []

    def claim_all():
        with Store.open(path) as mine:
            while (row := claim(mine, NOW, "mail")) is not None or mine.next_message_due("mail") is not None:
                claimed.extend([row.id] if row else [])

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [row.id for row in store.messages()]


def test_only_due_messages_of_the_asked_channels_are_claimed(store):
    store.add_message(["hook:led", "mail"], "xp", MESSAGE, NOW)
    assert claim(store, NOW - 1, "mail") is None
    assert claim(store, NOW, "fax") is None
    assert claim(store, NOW, "mail").channel == "mail"


def test_delayed_message_comes_again_when_it_is_due(store):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    row = claim(store, NOW, "mail")
    store.message_delayed(row.id, "connection refused", NOW + 60)
    assert claim(store, NOW + 59, "mail") is None
    assert store.next_message_due("mail") == NOW + 60
    again = claim(store, NOW + 60, "mail")
    assert (again.id, again.attempts, again.last_error) == (row.id, 2, "connection refused")


def test_sent_and_failed_messages_stay_as_rows(store):
    store.add_message(["mail", "hook:led"], "xp", MESSAGE, NOW)
    store.message_sent(claim(store, NOW, "mail").id, NOW + 1)
    store.message_failed(claim(store, NOW, "hook:led").id, "no such command")
    rows = store.messages()
    assert [(row.state, row.sent_at, row.last_error) for row in rows] == [
        ("sent", NOW + 1, None),
        ("failed", None, "no such command"),
    ]
    assert store.next_message_due("mail") is None
    assert [row.channel for row in store.messages(["failed"])] == ["hook:led"]
    assert claim(store, NOW + 9999) is None


def test_oldest_message_is_claimed_first_also_if_it_was_tried_before(store):
    for number in range(3):
        store.add_message(["mail"], "xp", replace(MESSAGE, subject=str(number)), NOW)
    store.message_delayed(claim(store, NOW, "mail").id, "refused", NOW + 60)
    assert [claim(store, NOW + 60, "mail").message.subject for _ in range(3)] == ["0", "1", "2"]


def test_old_messages_are_claimed_together_except_those_for_some_recipients(store):
    for created in (1, 2, 3, 9):
        store.add_message(["mail"], "xp", MESSAGE, NOW + created)
    store.message_delayed(2, "450", NOW, True, ["you@b"])
    assert [row.id for row in store.claim_messages(NOW + 10, "mail", NOW + 5)] == [1, 3]
    assert [(row.id, row.recipients) for row in store.claim_messages(NOW + 10, "mail", NOW + 5)] == [(2, ("you@b",))]
    assert [row.id for row in store.claim_messages(NOW + 10, "mail", NOW + 5)] == [4]


def test_a_channel_that_works_again_makes_its_messages_due(store):
    store.add_message(["mail", "hook:led"], "xp", MESSAGE, NOW)
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    for row_id, alone in ((1, False), (2, False), (3, True)):
        store.message_delayed(row_id, "refused", NOW + 60, alone)
    store.set_channel("mail", ChannelHealth(2, NOW, NOW + 60, "refused", NOW + 1))
    assert store.channel("mail") == ChannelHealth(2, NOW, NOW + 60, "refused", NOW + 1)
    store.channel_works("mail", NOW + 5)
    assert store.channel("mail") == ChannelHealth()
    assert [row.next_try for row in store.messages()] == [NOW + 5, NOW + 60, NOW + 60]


def test_message_of_a_sender_that_died_waits_again(store, path):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    source = "from buddywatch.store.store import Store; Store.open(sys.argv[1]).claim_messages(2e9, 'mail', 0)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", f"import sys; {source}", path], env=env, check=True)
    assert [row.state for row in store.messages()] == ["sending"]
    assert store.release_abandoned() == 1
    again = claim(store, NOW, "mail")
    assert again.attempts == 2
    assert store.release_abandoned() == 0


def test_a_message_that_somebody_else_has_claimed_meanwhile_is_not_released(store, path):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    claim(store, NOW, "mail")

    def meanwhile(owner):
        with Store.open(path) as other:
            other._run("UPDATE outbox SET owner = 'another/1'")
        return True

    assert store._release(meanwhile) == 0
    assert [row.state for row in store.messages()] == ["sending"]


def test_process_number_that_is_used_again_is_not_the_sender(store):
    store.add_message(["mail"], "xp", MESSAGE, NOW)
    claim(store, NOW, "mail")
    store._run("UPDATE outbox SET owner = ?", (f"{os.getpid()}/1",))  # as if this process had started long before
    assert store.release_abandoned() == 1
