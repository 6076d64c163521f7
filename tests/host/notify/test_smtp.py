"""Mail against a real SMTP server on loopback; see tests/smtp_server.py for what it can do to us."""

import json
import socket

import pytest
from mailing import CREATED, LOGIN, MESSAGE, mail_to, refused, send
from smtp_server import SmtpServer

pytestmark = pytest.mark.slow  # each attempt is a process

# Python runs a module of this name at its start: it notes what the process that sends the mail is given and does.
_SPY = """
import json, os, sys
log = open({path!r}, "a")
print(json.dumps(["start", sys.orig_argv, dict(os.environ)]), file=log, flush=True)
def note(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        print(json.dumps([event, args[0]]), file=log, flush=True)
sys.addaudithook(note)
"""


@pytest.fixture
def spied(tmp_path, monkeypatch):
    """A function that returns what the processes noted so far."""
    folder, path = tmp_path / "spy", tmp_path / "spy.log"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_SPY.format(path=str(path)))
    monkeypatch.syspath_prepend(folder)
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(LOGIN[1] + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_send_logs_in_over_tls_and_delivers_to_all(security, password_file):
    with SmtpServer(security, LOGIN) as server:
        assert send(mail_to(server, user=LOGIN[0], password_file=password_file)) == ""
        (received,) = server.wait_for_mails(1)
    assert (received.over_tls, received.user) == (True, "alerts")
    assert (received.sender, received.recipients) == ("board@example.org", ["you@example.org", "ops@example.org"])
    assert received.message.get_content().replace("\r\n", "\n") == MESSAGE.body


def test_send_without_login_in_clear_text_delivers():
    with SmtpServer("none") as server:
        send(mail_to(server))
        (received,) = server.wait_for_mails(1)
    assert (received.over_tls, received.user) == (False, None)


def test_mail_has_the_headers_of_a_threaded_automatic_message():
    with SmtpServer("none") as server:
        send(mail_to(server))
        headers = server.wait_for_mails(1)[0].message
    assert headers["Subject"] == MESSAGE.subject
    assert headers["From"] == "board@example.org"
    assert headers["To"] == "you@example.org, ops@example.org"
    assert headers["Message-ID"] == "<2@buddywatch.xp-07>"
    assert headers["In-Reply-To"] == "<1@buddywatch.xp-07>"
    assert headers["References"] == "<0@buddywatch.xp-07> <1@buddywatch.xp-07>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert headers["Date"].datetime.timestamp() == CREATED
    assert headers.get_content_type() == "text/plain"


def test_send_with_a_wrong_password_is_permanent_and_hides_it(tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2-hunter2")
    with SmtpServer("starttls", LOGIN) as server:
        server.login_refusal = "535 5.7.8 no, hunter2-hunter2 is not it"
        error = refused(mail_to(server, user="alerts", password_file=wrong))
        assert not server.mails
    assert error.permanent
    assert "login refused: 535 5.7.8 no, *** is not it" in str(error)
    assert "hunter2" not in repr(error) + "".join(error.dialogue)
    assert [line.split()[1].upper() for line in error.dialogue if line.startswith("C:")][:3] == [
        "EHLO",
        "STARTTLS",
        "EHLO",
    ]
    logins = [line for line in error.dialogue if line.startswith("C: AUTH")]
    assert logins and all(line.endswith(" ***") for line in logins)


def test_a_password_that_cannot_be_read_names_its_file(tmp_path):
    with SmtpServer("starttls", LOGIN) as server:
        error = refused(mail_to(server, user="alerts", password_file=tmp_path / "gone"))
    assert error.permanent and str(tmp_path / "gone") in str(error)


def test_a_password_beyond_ascii_is_refused_before_anything_is_sent(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("gr\u00fcn")
    with SmtpServer("starttls", LOGIN) as server:
        error = refused(mail_to(server, user="alerts", password_file=secret))
    assert "must be ASCII" in str(error) and "\u00fc" not in str(error) and "\\xfc" not in str(error)


def test_login_in_clear_text_is_refused_beyond_loopback(password_file):
    own = _own_address()
    if own is None:
        pytest.skip("this machine has no address but loopback")
    with SmtpServer("none", LOGIN, listen_on="0.0.0.0") as server:
        settings = {"user": LOGIN[0], "password_file": password_file, "server": own}
        error = refused(mail_to(server, **settings))
        assert "clear text" in str(error) and "allow_clear_login" in str(error) and error.permanent
        assert not any("AUTH" in line for line in error.dialogue if line.startswith("C:"))
        send(mail_to(server, **settings, allow_clear_login=True))
        assert server.wait_for_mails(1)[0].user == "alerts"


def test_login_in_clear_text_to_loopback_is_fine(password_file):
    with SmtpServer("none", LOGIN) as server:
        send(mail_to(server, user=LOGIN[0], password_file=password_file))
        assert server.wait_for_mails(1)[0].user == "alerts"


def test_a_server_without_starttls_never_gets_the_mail_in_clear_text(password_file):
    with SmtpServer("none", LOGIN) as server:
        error = refused(mail_to(server, security="starttls", user=LOGIN[0], password_file=password_file))
        assert not server.mails
    assert error.permanent and "does not offer STARTTLS" in str(error)
    assert not any("AUTH" in line or "MAIL" in line.upper() for line in error.dialogue if line.startswith("C:"))


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("certificate", "trusted", "complaint"),
    [
        pytest.param({}, False, "unable to get local issuer certificate", id="unknown-authority"),
        pytest.param({"expired": True}, True, "certificate has expired", id="expired"),
        pytest.param({"cert_host": "other.example.org"}, True, "not valid for '127.0.0.1'", id="other-name"),
    ],
)
def test_a_bad_certificate_is_refused_with_server_and_fix(security, certificate, trusted, complaint):
    with SmtpServer(security, **certificate) as server:
        error = refused(mail_to(server, **({} if trusted else {"ca_file": None})))
        assert not server.mails
    assert error.permanent
    assert f"127.0.0.1:{server.port}" in str(error) and complaint in str(error) and "ca_file" in str(error)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [pytest.param(None, "No such file", id="missing"), pytest.param("hello\n", "PEM", id="not-pem")],
)
def test_an_unusable_ca_file_is_named(tmp_path, content, complaint):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with SmtpServer("starttls") as server:
        error = refused(mail_to(server, ca_file=path))
    assert str(path) in str(error) and complaint in str(error) and error.permanent


def test_tls_to_a_server_that_speaks_clear_text_names_the_ports():
    with SmtpServer("none") as server:
        error = refused(mail_to(server, security="tls"))
    assert "TLS failed" in str(error) and "587" in str(error)


def test_one_refused_recipient_is_told_and_the_other_gets_the_mail():
    with SmtpServer("none") as server:
        server.refuse["ops@example.org"] = "550 5.1.1 no such user"
        note = send(mail_to(server))
        (received,) = server.wait_for_mails(1)
    assert received.recipients == ["you@example.org"]
    assert "ops@example.org: 550 5.1.1 no such user" in note and "you@example.org" not in note


@pytest.mark.parametrize(
    ("replies", "permanent"),
    [
        pytest.param(["550 no such user", "550 no such user"], True, id="both-for-good"),
        pytest.param(["550 no such user", "450 greylisted"], False, id="one-for-now"),
    ],
)
def test_all_recipients_refused_is_an_error_that_names_them(replies, permanent):
    with SmtpServer("none") as server:
        server.refuse = dict(zip(("you@example.org", "ops@example.org"), replies, strict=True))
        error = refused(mail_to(server))
    assert error.permanent is permanent
    assert f"you@example.org: {replies[0]}" in str(error) and f"ops@example.org: {replies[1]}" in str(error)


def test_the_dialogue_of_a_failure_is_kept_in_order():
    with SmtpServer("none") as server:
        server.data_reply = "554 5.6.0 no"
        dialogue = refused(mail_to(server)).dialogue
    assert dialogue[0].startswith("S: 220 mail.test")
    assert [line.split()[1].upper() for line in dialogue if line.startswith("C:")][:2] == ["EHLO", "MAIL"]
    assert "S: 554 5.6.0 no" in dialogue


def test_send_asks_the_dns_for_nothing_but_the_server(spied):
    """smtplib calls socket.getfqdn(), which may hang for half a minute on a host without DNS."""
    with SmtpServer("none") as server:
        send(mail_to(server))
    assert [entry for entry in spied() if entry[0] != "start"] == [["socket.getaddrinfo", "127.0.0.1"]]


@pytest.mark.parametrize("by", ["password_file", "password_env"])
def test_the_password_is_in_no_argument_and_no_environment_of_the_process(spied, password_file, monkeypatch, by):
    if by == "password_env":
        monkeypatch.setenv("BUDDYWATCH_TEST_PASSWORD", LOGIN[1])
    where = {"password_file": password_file, "password_env": "BUDDYWATCH_TEST_PASSWORD"}
    with SmtpServer("starttls", LOGIN) as server:
        send(mail_to(server, user=LOGIN[0], **{by: where[by]}))
        assert server.wait_for_mails(1)[0].user == LOGIN[0]
    ((_, argv, environment),) = (entry for entry in spied() if entry[0] == "start")
    assert "buddywatch.notify.smtp_attempt" in argv
    assert not any(LOGIN[1] in text for text in (*argv, *environment.values()))


def _own_address():
    """An address of this machine that is not loopback; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]
