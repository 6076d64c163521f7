"""Who gets a message when a channel, a server or a recipient refuses: in order, nobody forgotten, others are told."""

from dataclasses import replace

import pytest
from buddywatch.model.alerts import FAILED, SENT, WAITING
from buddywatch.notify.outbox import MERGE_AFTER_S, PERMANENT_RETRY_S, RETRY_S
from mailing import mail_to_one
from outboxbench import DAY_S, MESSAGE, states
from smtp_server import SmtpServer

HOUR_S = 3600
pytestmark = pytest.mark.slow  # each attempt is a process


def numbered(number, severity="critical"):
    """The message with this number in its subject."""
    payload = {**MESSAGE.payload, "board": f"xp-{number}", "severity": severity, "claims": [number], "what": "refused"}
    return replace(MESSAGE, subject=f"[buddywatch] CRIT xp-{number}: refused", payload=payload)


def subjects(server):
    return [mail.message["Subject"].removeprefix("[buddywatch] ") for mail in server.mails]


@pytest.fixture
def server():
    with SmtpServer() as one:
        yield one


def test_after_the_first_success_all_that_waits_goes_at_once_oldest_first(bench, server):
    desk = bench(mail=mail_to_one(server))
    server.stop()
    for number in range(4):
        desk.add(message=numbered(number))
        desk.run(300)
    assert {state for _, state, _ in states(desk)} == {WAITING}
    server.start()
    assert desk.run(desk.pause_s("mail")) == 4
    assert subjects(server) == [f"CRIT xp-{number}: refused" for number in range(4)]


def test_a_dead_server_is_asked_once_in_each_pause_however_much_waits(bench, server):
    desk = bench(mail=mail_to_one(server))
    server.stop()
    for number in range(20):
        desk.add(message=numbered(number))
    assert [desk.run(pause_s) for pause_s in (0, *RETRY_S, RETRY_S[-1])] == [1] * 8
    assert [row.attempts for row in desk.rows()] == [8] + [0] * 19


def test_what_could_not_be_sent_for_hours_goes_as_one_message(bench, server, hook):
    desk = bench(mail=mail_to_one(server))
    server.stop()
    for number in range(3):
        desk.add(message=numbered(number, "warning" if number else "critical"))
        desk.run(60)
    desk.now += MERGE_AFTER_S
    desk.add(message=numbered(3))
    server.start()
    assert desk.run() == 2
    merged, recent = [mail.message for mail in server.mails]
    assert merged["Subject"].startswith("[buddywatch] LATE: 3 messages, delayed since 2025-11-22 ")
    assert merged["Subject"].endswith("gravest: CRIT xp-0: refused")
    text = merged.get_content()
    assert [text.index(f"CRIT xp-{number}: refused") for number in range(3)] == sorted(
        text.index(f"  CRIT xp-{number}: refused") + 2 for number in range(3)
    )
    assert recent["Subject"] == "[buddywatch] CRIT xp-3: refused"
    assert {state for _, state, _ in states(desk)} == {SENT}


def test_a_merged_message_that_fails_leaves_all_of_it_waiting(bench, hook, tmp_path):
    desk = bench(hooks=(hook("sys.exit((folder / 'ill').exists())"),))
    (tmp_path / "ill").touch()
    desk.add()
    desk.add()
    assert desk.run(MERGE_AFTER_S + 1) == 1
    assert states(desk) == [("hook:pager", WAITING, 1)] * 2
    (tmp_path / "ill").unlink()
    assert desk.run(RETRY_S[0]) == 1
    assert states(desk) == [("hook:pager", SENT, 2)] * 2


def test_a_recipient_that_is_greylisted_gets_it_later_and_the_other_gets_it_once(bench, server):
    server.refuse["later@b"] = "450 4.2.0 greylisted"
    desk = bench(mail=mail_to_one(server, to=("you@b", "later@b")))
    desk.add()
    desk.run()
    assert (states(desk), desk.rows()[0].recipients) == ([("mail", WAITING, 1)], ("later@b",))
    desk.run(RETRY_S[0])
    server.refuse.clear()
    desk.run(RETRY_S[1])
    assert [mail.recipients for mail in server.mails] == [["you@b"], ["later@b"]]
    assert {mail.message["To"] for mail in server.mails} == {"you@b, later@b"}
    assert states(desk) == [("mail", SENT, 3)]


def test_a_greylisted_recipient_holds_up_no_other_message(bench, server):
    server.refuse["later@b"] = "450 4.2.0 greylisted"
    desk = bench(mail=mail_to_one(server, to=("you@b", "later@b")))
    for number in range(3):
        desk.add(message=numbered(number))
        desk.run(RETRY_S[0])
    assert [mail.recipients for mail in server.mails] == [["you@b"]] * 3
    server.refuse.clear()
    desk.run(HOUR_S)
    assert [mail.recipients for mail in server.mails[3:]] == [["later@b"]] * 3


@pytest.mark.parametrize("again_s", [60, RETRY_S[1]], ids=["with-a-new-message", "when-the-pause-is-over"])
def test_a_recipient_that_was_greylisted_gets_all_that_waits_at_once_oldest_first(bench, server, again_s):
    server.refuse["later@b"] = "450 4.2.0 greylisted"
    desk = bench(mail=mail_to_one(server, to=("you@b", "later@b")))
    for number in range(3):
        desk.add(message=numbered(number))
        desk.run()
    desk.run(RETRY_S[0])
    server.refuse.clear()
    if again_s == 60:
        desk.add(message=numbered(3))
    desk.run(again_s)
    mails = [(mail.recipients, mail.message["Subject"][-10]) for mail in server.mails[3:]]
    late = [(["later@b"], str(number)) for number in range(3)]
    assert mails == [*late, *([(["you@b", "later@b"], "3")] if again_s == 60 else [])]


def test_new_messages_do_not_lengthen_the_pause_of_a_recipient_that_is_greylisted(bench, server):
    server.refuse["later@b"] = "450 4.2.0 greylisted"
    desk = bench(mail=mail_to_one(server, to=("you@b", "later@b")))
    for number in range(4):
        desk.add(message=numbered(number))
        desk.run(1)
    assert max(row.next_try for row in desk.rows()) <= desk.now + RETRY_S[0]


def test_a_recipient_refused_for_good_is_reported_to_the_others_once_a_day(bench, server, hook):
    server.refuse["gone@b"] = "550 5.1.1 no such user"
    desk = bench(mail=mail_to_one(server, to=("you@b", "gone@b")), hooks=(hook("pass"),))
    for _ in range(2):
        desk.add()
        desk.run(60)
    assert [mail.recipients for mail in server.mails] == [["you@b"]] * 3
    told = "WARN gone@b gets no mail: the mail server refuses it"
    assert subjects(server).count(told) == 1
    assert [row.message.subject for row in desk.rows("hook:pager")].count(f"[buddywatch] {told}") == 1
    desk.add()
    desk.run(DAY_S)
    assert subjects(server).count(told) == 2


def test_a_channel_that_does_not_work_is_reported_through_the_others(bench, server, hook):
    server.login_refusal = "535 5.7.8 no"
    desk = bench(mail=mail_to_one(server), hooks=(hook("pass"),))
    server.stop()
    desk.add()
    for _ in range(100):
        desk.run(120)
    notices = [row.message for row in desk.rows("hook:pager") if not row.board]
    assert len(notices) == 1 and "WARN mail cannot be sent since " in notices[0].subject
    assert "Connection refused" in notices[0].body


def test_a_permanent_error_of_the_channel_is_reported_at_once(bench, hook):
    desk = bench(hooks=(hook("pass"), replace(hook("pass", "gone"), command=("/no/such/program",))))
    desk.add()
    desk.run()
    desk.run()
    assert [row.message.subject[:40] for row in desk.rows() if not row.board] == [
        "[buddywatch] WARN hook:gone cannot be se"
    ]
    assert desk.pause_s("hook:gone") == PERMANENT_RETRY_S


def test_one_message_that_is_not_accepted_waits_alone(bench, server):
    """The server takes no message of this sender's content: the next one goes all the same."""
    desk = bench(mail=mail_to_one(server))
    desk.add()
    server.data_reply = "554 5.7.1 looks like spam"
    desk.run()
    server.data_reply = None
    desk.add(message=numbered(1))
    assert desk.run() == 1
    assert states(desk) == [("mail", WAITING, 1), ("mail", SENT, 1)]


def test_after_two_messages_in_a_row_the_channel_rests(bench, hook):
    desk = bench(hooks=(hook("sys.exit(75)"),))
    for _ in range(5):
        desk.add()
    assert desk.run() == 2
    assert desk.pause_s("hook:pager") == RETRY_S[0]


def test_a_channel_that_refuses_for_a_day_gives_up_what_is_a_day_old(bench, hook):
    gone = replace(hook("pass"), command=("/no/such/program",))
    desk = bench(hooks=(gone,))
    desk.add()
    desk.add()
    while desk.now < 1763808903.0 + DAY_S:
        desk.run(PERMANENT_RETRY_S)
    desk.add()
    desk.run(PERMANENT_RETRY_S)
    assert [row.state for row in desk.rows()] == [FAILED, FAILED, WAITING]
