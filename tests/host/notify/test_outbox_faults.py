"""What one row, this machine or the terminal may do to the outbox: the other messages go on."""

import resource

import pytest
from buddywatch.model.alerts import FAILED, SENT, WAITING, Message
from buddywatch.notify.outbox import RETRY_S
from mailing import mail_to_one
from outboxbench import DAY_S, states
from smtp_server import SmtpServer
from waiting import wait_for

DAMAGE = {
    "payload no JSON": {"payload": "'{'"},
    "payload no object": {"payload": "'[]'"},
    "payload nested deeply": {"payload": f"'{'[' * 100_000}'"},
    "references no JSON": {"refs": "'<1@test>'"},
    "references no list": {"refs": "'null'"},
    "references no texts": {"refs": "'[1]'"},
    "subject no UTF-8": {"subject": "CAST(x'ff41' AS TEXT)"},
    "body no UTF-8": {"body": "CAST(x'ff41' AS TEXT)"},
    "payload no UTF-8": {"payload": "CAST(x'ff41' AS TEXT)"},
}


@pytest.mark.parametrize("columns", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_row_is_set_aside_told_once_and_the_next_ones_go(bench, columns):
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server))
        desk.add()
        desk.add()
        desk.damage(1, **columns)
        assert desk.run() == 2
        assert desk.run(DAY_S) == 0
        server.wait_for_mails(1)
    damaged, good = desk.rows()
    assert (damaged.state, good.state) == (FAILED, SENT)
    assert damaged.last_error and damaged.last_error.isprintable()
    (report,) = desk.reports
    assert report.startswith("message 1 (mail) given up: ")


def test_a_time_beyond_all_dates_is_bounded_and_the_mail_goes(bench):
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server))
        desk.add()
        desk.damage(1, created_ms=2**62)
        assert desk.run() == 1
        assert server.wait_for_mails(1)[0].message["Date"]
    assert states(desk) == [("mail", SENT, 1)]


@pytest.mark.parametrize("owner", ["NULL", "''", "'x'", "'99999999999999999999/1'", "CAST(x'ff' AS TEXT)", "'-1/2'"])
def test_a_claim_of_an_owner_that_cannot_be_read_is_taken_over(bench, hook, owner):
    desk = bench(hooks=(hook("pass"),))
    desk.add()
    desk.damage(1, owner=owner, state="'sending'")
    assert desk.run() == 1
    assert states(desk) == [("hook:pager", SENT, 1)]


def test_an_error_in_a_row_that_is_not_read_by_its_channel_holds_up_nothing(bench, hook):
    desk = bench(hooks=(hook("pass"),))
    desk.add()
    desk.add()
    desk.damage(1, last_error="CAST(x'ff' AS TEXT)", board="CAST(x'ff' AS TEXT)")
    assert desk.run() == 2
    assert [row.board for row in desk.rows()] == ["\ufffd", "xp-07"]


def test_a_fault_of_our_own_is_told_once_and_not_tried_again(bench):
    """A header with a line end is what the email package refuses with a ValueError."""
    with SmtpServer() as server:
        desk = bench(mail=mail_to_one(server))
        desk.add(message=Message("a\nb", "", {}))
        desk.add()
        assert desk.run() == 2
    assert [state for _, state, _ in states(desk)] == [FAILED, SENT]
    assert "a defect of buddywatch: ValueError" in desk.rows()[0].last_error


def test_what_this_machine_lacks_for_the_moment_is_tried_again(bench, hook):
    """No descriptor is left: the program cannot be started."""
    desk = bench(hooks=(hook("pass"),))
    desk.add()
    desk.run(-1)  # opens the store
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        desk.run(1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (states(desk), desk.pause_s("hook:pager")) == ([("hook:pager", WAITING, 1)], RETRY_S[0])
    desk.run(RETRY_S[0])
    assert states(desk) == [("hook:pager", SENT, 2)]


class Failing:
    """A way out that fails as the machine does."""

    timeout_s = 20.0

    def __init__(self, error):
        self.error = error

    def send(self, parcel, deadline):
        raise self.error


@pytest.mark.parametrize("error", [OSError("no descriptors"), MemoryError(), RuntimeError("can't start new thread")])
def test_an_error_of_the_machine_delays_a_message_and_gives_none_up(bench, hook, error):
    desk = bench(hooks=(hook("pass", "ill"),))
    desk.workers[0]._channel = Failing(error)
    desk.add()
    assert desk.run() == 1
    assert [row.state for row in desk.rows()] == [WAITING]
    assert desk.pause_s("hook:ill") == RETRY_S[0]
    assert type(error).__name__ in desk.rows()[0].last_error


def test_a_terminal_that_is_gone_does_not_stop_mail(bench, hook):
    """`buddywatch collect | head`: a report from this thread raises BrokenPipeError."""
    desk = bench(hooks=(hook("sys.exit(75)", "ill"), hook("pass", "well")))

    def broken(line):
        raise BrokenPipeError

    for worker in desk.workers:
        worker._report = broken
    desk.add()
    assert desk.run() == 2
    assert states(desk) == [("hook:ill", WAITING, 1), ("hook:well", SENT, 1)]


def test_a_message_that_was_claimed_when_the_thread_failed_is_sent_after_its_restart(bench, hook):
    desk = bench(hooks=(hook("pass"),))
    desk.add()
    assert desk.store.claim_messages(desk.now, desk.channels[0], 0.0)
    desk.start()
    wait_for(lambda: states(desk) == [("hook:pager", SENT, 2)], "the second attempt")
    desk.stop()
