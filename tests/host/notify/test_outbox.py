"""The outbox worker with a real store, real commands and a real mail server."""

import json
import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from buddywatch.model.alerts import FAILED, SENDING, SENT, WAITING
from buddywatch.notify.outbox import RETRY_S, OutboxWorker
from buddywatch.store.store import StoreError
from mailing import mail_to_one
from outboxbench import DAY_S, MESSAGE, START, states
from smtp_server import SmtpServer
from waiting import DEADLINE_S, wait_for

pytestmark = pytest.mark.slow  # each attempt is a process


def test_run_once_sends_through_every_channel_and_keeps_the_rows(bench, hook, tmp_path):
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server), hooks=(hook("(folder / 'got').write_bytes(sys.stdin.buffer.read())"),))
        desk.add()
        assert desk.run() == 2
        assert server.wait_for_mails(1)[0].message["Message-ID"] == "<1@test>"
    assert json.loads((tmp_path / "got").read_bytes()) == MESSAGE.payload
    assert states(desk) == [("mail", SENT, 1), ("hook:pager", SENT, 1)]
    assert [row.sent_at for row in desk.rows()] == [START, START]
    assert desk.run(DAY_S) == 0


def test_a_dead_mail_server_delays_mail_and_loses_none(bench):
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server))
        server.stop()
        desk.add()
        for wait_s in (0, *RETRY_S, RETRY_S[-1], 3 * DAY_S):
            assert desk.run(wait_s) == 1
        row = desk.rows()[0]
        assert (row.state, row.attempts) == (WAITING, 9)
        assert "refused" in row.last_error
        server.start()
        desk.run(RETRY_S[-1])
        assert server.wait_for_mails(1)[0].message["Subject"] == MESSAGE.subject
    assert states(desk) == [("mail", SENT, 10)]


def test_a_message_of_a_spare_waits_first(bench, hook, tmp_path):
    desk = bench(hooks=(hook("(folder / 'got').touch()"),), hold_s=120)
    desk.add()
    assert desk.run(119) == 0
    assert desk.workers[0]._round() <= 1
    assert desk.run(1) == 1 and (tmp_path / "got").exists()


def test_a_temporary_error_is_retried_later_and_later(bench, hook):
    desk = bench(hooks=(hook("sys.exit(75)"),))
    desk.add()
    waits = []
    for _ in range(8):
        assert desk.run() == 1
        waits.append(desk.rows()[0].next_try - desk.now)
        assert desk.run(waits[-1] - 1) == 0, "tried before its time"
        desk.now += 1
    assert waits == [60, 120, 300, 900, 1800, 3600, 3600, 3600]


def test_a_permanent_error_is_retried_hourly_for_a_day_and_then_shown(bench):
    with SmtpServer() as server:
        server.data_reply = "554 5.7.1 no"
        desk = bench(mail=mail_to_one(server))
        desk.add()
        attempts = 0
        while desk.rows()[0].state == WAITING:
            attempts += desk.run()
            if desk.rows()[0].state == WAITING:
                assert desk.rows()[0].next_try == desk.now + 3600
                desk.now += 3600
        row = desk.rows()[0]
    assert (row.state, row.attempts, attempts) == (FAILED, 25, 25)
    assert "554 5.7.1 no" in row.last_error
    assert desk.now == START + DAY_S
    assert desk.run(DAY_S) == 0
    assert "given up" in desk.reports[-1] and "not sent yet" in desk.reports[0]


def test_a_permanent_error_that_somebody_corrects_is_made_good(bench):
    with SmtpServer() as server:
        server.refuse["you@b"] = "550 5.1.1 no such user"
        desk = bench(mail=mail_to_one(server))
        desk.add()
        desk.run()
        server.refuse.clear()
        desk.run(3600)
        server.wait_for_mails(1)
    assert states(desk) == [("mail", SENT, 2)]


def test_a_channel_that_hangs_holds_up_no_other(bench, hook, tmp_path):
    """The quick hook opens the FIFO that the hanging one waits for: it could not, if it had to wait for that one."""
    os.mkfifo(tmp_path / "fifo")
    desk = bench(hooks=(hook("open(folder / 'fifo').read()", "slow"), hook("open(folder / 'fifo', 'w')", "quick")))
    desk.add()
    desk.start()
    wait_for(lambda: {row.state for row in desk.rows()} == {SENT}, "both hooks")
    desk.stop()
    assert [row.state for row in desk.rows()] == [SENT] * 2


def test_messages_of_a_channel_that_is_configured_no_more_wait_and_hold_up_nothing(bench, hook):
    desk = bench(hooks=(hook("pass"),))
    desk.add("hook:gone", "hook:pager")
    assert desk.run() == 1
    assert states(desk) == [("hook:gone", WAITING, 0), ("hook:pager", SENT, 1)]


def test_a_clock_that_was_set_back_holds_nothing_up(bench, hook):
    desk = bench(hooks=(hook("sys.exit(75)"),))
    desk.add()
    desk.run()
    desk.now -= 365 * DAY_S
    assert desk.run() == 1
    assert desk.rows()[0].next_try == desk.now + RETRY_S[1]


def test_a_claim_of_a_process_that_died_is_taken_over(bench, hook):
    desk = bench(hooks=(hook("pass"),))
    desk.add()
    claim = f"Store.open({str(desk.path)!r}).claim_messages({desk.now}, {desk.channels[0]!r}, 0.0)"
    source = f"import sys; sys.path[:] = {sys.path!r}; from buddywatch.store.store import Store; {claim}"
    subprocess.run([sys.executable, "-c", source], check=True)
    assert states(desk) == [("hook:pager", SENDING, 1)]
    assert desk.run() == 1
    assert states(desk) == [("hook:pager", SENT, 2)]


def test_an_outcome_that_the_store_does_not_take_is_written_later_and_not_sent_again(bench, hook, tmp_path):
    """Another program locks the database while the hook runs."""
    os.mkfifo(tmp_path / "fifo")
    desk = bench(hooks=(hook("(folder / 'count').open('a').write('x')\nopen(folder / 'fifo').read()"),), busy_s=0.1)
    desk.add()
    other = sqlite3.connect(desk.path, isolation_level=None, check_same_thread=False)

    def lock():
        with (tmp_path / "fifo").open("w"):  # waits for the hook; leaving lets it end
            other.execute("BEGIN IMMEDIATE")

    thread = threading.Thread(target=lock)
    thread.start()
    with pytest.raises(StoreError, match="locked"):
        desk.run()
    thread.join(DEADLINE_S)
    other.close()
    assert desk.run(3600) == 0
    assert states(desk) == [("hook:pager", SENT, 1)]
    assert (tmp_path / "count").read_text() == "x"


def test_the_thread_sends_a_new_message_as_soon_as_it_is_told(bench):
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server))
        desk.start()
        for count in (1, 2):
            desk.add()
            desk.wake()
            server.wait_for_mails(count)
        desk.stop()
    assert [state for _, state, _ in states(desk)] == [SENT, SENT]


def test_stop_ends_an_attempt_that_hangs_and_the_message_waits(bench):
    with SmtpServer() as server:
        server.behaviour = "hang"
        desk = bench(mail=mail_to_one(server, timeout_s=3600))
        desk.add()
        desk.start()
        server.wait_for_connections(1)
        stopper = threading.Thread(target=desk.stop, args=[0.1])
        stopper.start()
        stopper.join(DEADLINE_S)
        assert not stopper.is_alive()
    row = desk.rows()[0]
    assert (row.state, row.next_try) == (WAITING, START)
    assert "was interrupted" in row.last_error


def test_stop_lets_an_attempt_finish_that_can(bench, hook, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    desk = bench(hooks=(hook("open(folder / 'fifo').read()"),))
    desk.add()
    desk.start()
    with (tmp_path / "fifo").open("w"):  # waits for the hook; leaving lets it end
        stopper = threading.Thread(target=desk.stop, args=[DEADLINE_S])
        stopper.start()
    stopper.join(2 * DEADLINE_S)
    assert states(desk) == [("hook:pager", SENT, 1)]


def test_stop_before_start_and_twice_is_harmless(bench):
    desk = bench()
    desk.stop()
    desk.start()
    desk.stop()
    desk.stop()
    assert desk.rows() == []


def test_a_store_that_cannot_be_opened_is_told_once(tmp_path):
    reports = []
    worker = OutboxWorker(tmp_path / "no-folder" / "x.db", "mail", None, report=reports.append)
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_for(lambda: reports, "a report")
    worker.wake()
    worker.stop()
    thread.join(DEADLINE_S)
    assert len(reports) == 1 and "no-folder" in reports[0]
