"""`report --mail` and [report]: sent through the outbox to a real SMTP server, once, and again where that fails."""

import sqlite3
import time
from contextlib import closing
from datetime import datetime

import pytest
from buddywatch.alerts.quiet import newest_on
from buddywatch.collect.report_clock import ReportClock
from buddywatch.config.kinds import DAYS
from buddywatch.config.sections import Report
from buddywatch.model.alerts import Message
from buddywatch.report import letter as letters
from buddywatch.store.store import Store
from livefleet import FAILING, LEVEL, tell
from runner import ENV
from smtp_server import SmtpServer
from waiting import wait_for

NEEDS = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'


def mail_section(server):
    where = f'server = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
    return f'[mail]\nto = ["duty@example.org"]\nfrom = "board@example.org"\n{where}'


@pytest.fixture
def server():
    with SmtpServer() as server:
        yield server


@pytest.fixture
def boards(buddywatch, store, server):
    """Two boards, and who gets mail."""
    buddywatch.config.write_text(NEEDS + mail_section(server))
    with store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("bad", FAILING)]):
            tell(store, name, kind, time.time(), number=number)
    return buddywatch


def states(db):
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute("SELECT channel, state, attempts FROM outbox ORDER BY id").fetchall()


def parts(mail):
    return mail.message.get_body(("plain",)).get_content(), [*mail.message.iter_attachments()]


def reported(server, subject):
    return next((mail for mail in server.mails if subject in mail.message["Subject"]), None)


def test_the_mail_has_the_sentences_and_the_page(boards, server, tmp_path):
    result = boards("report", "--mail", "--html", str(tmp_path / "a.html"))
    assert (result.code, result.out) == (0, "report sent to duty@example.org\n")
    (mail,) = server.wait_for_mails(1)
    assert mail.message["Subject"] == "[buddywatch] Report of 7d: 2 boards, 1 failing"
    assert mail.recipients == ["duty@example.org"] and mail.message["Message-ID"]
    text, (page,) = parts(mail)
    assert text.index("bad: FAILS. httpd and rm cannot start now.") < text.index("calm: ok. All needs can be served")
    assert "; up " in text and "0 snapshots lost (0)" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 78
    assert (page.get_content_type(), page.get_filename()) == ("text/html", "report.html")
    found, written = page.get_content(), (tmp_path / "a.html").read_text()
    assert found.replace("\r\n", "\n") == written and "<svg " in written
    assert states(boards.db) == [("mail", "sent", 1)]


def test_boards_are_chosen(boards, server):
    assert boards("report", "calm", "--mail", "--since", "1d").code == 0
    text, (page,) = parts(server.wait_for_mails(1)[0])
    assert "calm: ok" in text and "bad" not in text and "<h2>bad" not in page.get_content()


def test_a_server_that_refuses_gets_it_later(boards, server):
    server.data_reply = "451 4.3.0 later"
    result = boards("report", "--mail")
    assert result.code == 4 and "not sent yet: " in result.err and "451" in result.err
    assert result.err.count("\n") == 1 and states(boards.db) == [("mail", "waiting", 1)]


def test_without_mail_it_is_one_line(boards):
    boards.config.write_text(NEEDS)
    result = boards("report", "--mail")
    assert result.code == 2 and result.err.count("\n") == 1 and "the configuration has no [mail]" in result.err
    boards.config.write_text(NEEDS + "[report]\n")
    result = boards("check-config")
    assert result.code == 1 and "[report]: expected a section [mail]" in result.err


def test_a_page_that_no_mail_can_carry_shows_the_worst_boards(boards, server, monkeypatch):
    monkeypatch.setattr(letters, "PAGE_MAX_BYTES", 1)
    assert boards("report", "--mail").code == 0
    text, (page,) = parts(server.wait_for_mails(1)[0])
    assert "charts, alerts and reasons of the 1 worst boards" in text and "calm: ok" in text
    assert "<h2>bad" in page.get_content() and "<h2>calm" not in page.get_content()


def test_the_clock_has_it_sent_once_to_those_of_report(boards, server, monkeypatch):
    boards.config.write_text(boards.config.read_text() + '[report]\nto = ["boss@example.org"]\n')
    monkeypatch.setenv("PYTHONPATH", ENV["PYTHONPATH"])
    now = time.time()
    minute = datetime.fromtimestamp(now - 60)
    settings = Report(at=minute.hour * 60 + minute.minute, days=DAYS)
    moments = iter([now - 7200])  # it was started two hours ago
    command = ["--db", str(boards.db), "--config", str(boards.config), "report", "--mail", "--since", "604800s"]
    looks = []

    def clock():
        looks.append(time.time())
        if len(looks) == 4:  # it has looked again since the report was made
            report.stop()
        return next(moments, None) or time.time()

    report = ReportClock(settings, boards.db, command, clock, look_s=0.01)
    report.run()
    (mail,) = server.wait_for_mails(1)
    assert mail.recipients == ["boss@example.org"] and mail.message["To"] == "boss@example.org"
    assert states(boards.db) == [("report", "sent", 1)]


def test_a_report_that_cannot_be_made_is_an_error_with_its_reason(boards):
    now = time.time()
    moments = iter([now - 2 * 86_400, now])
    settings = Report(at=0, days=DAYS)
    report = ReportClock(settings, boards.db, ["report", "--nosuch"], lambda: next(moments), look_s=0.01)
    with pytest.raises(RuntimeError, match=r"the report was not made: .*--nosuch"):
        report.run()


def test_a_running_collector_sends_the_one_that_it_missed(boards, server):
    """The last one was made eight days ago, and nobody collected when it was time."""
    boards.config.write_text(boards.config.read_text() + "[report]\n")
    with Store.open(boards.db) as store, store.batch():
        store.add_message(["report"], "", Message("Report of last week", "", {}), time.time() - 8 * 86_400)
    collector = boards.start("collect", "--plain", "tcp://127.0.0.1:9")
    try:
        mail = wait_for(lambda: reported(server, "Report of 7d"), "the report")
        assert parts(mail)[1]
        is_sent = ("report", "sent", 1)
        wait_for(lambda: states(boards.db).count(is_sent) == 2, lambda: f"both: {states(boards.db)}")
        assert '"report-clock": {' in boards("status", "--json").out
    finally:
        collector.terminate()
        collector.communicate()


@pytest.mark.parametrize(
    ("now", "days", "newest"),
    [
        ("2026-11-30T07:00", ("mon",), "2026-11-30T07:00"),
        ("2026-11-30T06:59", ("mon",), "2026-11-23T07:00"),
        ("2026-12-01T06:00", ("mon",), "2026-11-30T07:00"),
        ("2026-12-06T23:00", ("tue", "fri"), "2026-12-04T07:00"),
    ],
)
def test_the_newest_time_on_some_days(now, days, newest):
    moment, expected = (datetime.fromisoformat(text).timestamp() for text in (now, newest))
    assert newest_on(7 * 60, days, moment) == expected
