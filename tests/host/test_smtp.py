"""Mail against a real SMTP server on loopback; see tests/smtp_server.py for what it can do to us."""

import socket
import sys
import threading

import pytest
from buddywatch.config import Mail
from buddywatch.model_alerts import Message
from buddywatch.notify import smtp
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.mail import compose_mail
from smtp_server import WAIT_S, SmtpServer

LOGIN = ("alerts", "pass word 61440")
MESSAGE = Message(
    subject="[buddywatch] CRIT xp-07: the kernel will refuse rm (61440 bytes)",
    body="The kernel will refuse rm.\n.\n.a line that starts with a dot\n",
    payload={},
    message_id="<2@buddywatch.xp-07>",
    references=("<0@buddywatch.xp-07>", "<1@buddywatch.xp-07>"),
)
CREATED = 1763808903.0
LOOKUPS = []


def _note_lookup(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        LOOKUPS.append((event, args[0]))


sys.addaudithook(_note_lookup)


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(LOGIN[1] + "\n")
    path.chmod(0o600)
    return path


def mail_to(listener, **changes):
    settings = {
        "to": ("you@example.org", "ops@example.org"),
        "sender": "board@example.org",
        "server": "127.0.0.1",
        "port": listener.port,
        "security": listener.security,
        "ca_file": listener.ca_file if listener.security != "none" else None,
        **changes,
    }
    return Mail(**settings)


def send(mail, seconds=WAIT_S):
    with Deadline(seconds) as deadline:
        return smtp.send(mail, compose_mail(mail, MESSAGE, CREATED), deadline)


def refused(mail, seconds=WAIT_S):
    """The error of a mail that must not go."""
    with pytest.raises(NotifyError) as caught:
        send(mail, seconds)
    assert "\n" not in str(caught.value)
    return caught.value


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


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        pytest.param("451 4.3.0 try again later", False, id="451"),
        pytest.param("421 4.3.2 going down", False, id="421"),
        pytest.param("550 5.7.1 looks like spam", True, id="550"),
        pytest.param("554 5.6.0 no", True, id="554"),
    ],
)
def test_a_refusal_after_the_text_is_temporary_or_permanent_by_its_code(reply, permanent):
    with SmtpServer("none") as server:
        server.data_reply = reply
        error = refused(mail_to(server))
    assert error.permanent is permanent and f"answered {reply}" in str(error)


def test_what_a_server_says_is_escaped_and_cut():
    with SmtpServer("none") as server:
        server.data_reply = "550 \x1b[31mred " + "x" * 400
        error = refused(mail_to(server))
    assert "\\x1b[31mred" in str(error) and len(str(error)) < 300


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_a_server_that_stalls_is_given_up_at_the_deadline(behaviour):
    with SmtpServer("none") as server:
        server.behaviour = behaviour
        error = refused(mail_to(server, timeout_s=1), seconds=0.5)
    assert "took longer than 0.5 s" in str(error) and not error.permanent


def test_a_stalled_tls_handshake_is_given_up_at_the_deadline():
    with SmtpServer("none") as server:
        server.behaviour = "hang"
        error = refused(mail_to(server, security="tls", timeout_s=1), seconds=0.5)
    assert "took longer than 0.5 s" in str(error) and not error.permanent


def test_an_attempt_can_be_cut_short_from_another_thread():
    failures = []
    with SmtpServer("none") as server:
        server.behaviour = "hang"
        mail, deadline = mail_to(server), Deadline(3600)

        def attempt():
            with deadline, pytest.raises(NotifyError) as caught:
                smtp.send(mail, compose_mail(mail, MESSAGE, CREATED), deadline)
            failures.append(str(caught.value))

        thread = threading.Thread(target=attempt)
        thread.start()
        server.wait_for_connections(1)
        deadline.cancel()
        thread.join(WAIT_S)
    assert failures and "was interrupted" in failures[0]


def test_a_connection_dropped_at_the_text_is_temporary():
    with SmtpServer("none") as server:
        server.behaviour = "drop-at-data"
        error = refused(mail_to(server))
        assert not server.mails
    assert not error.permanent and "closed the connection" in str(error)


def test_a_connection_dropped_after_the_text_is_sent_again_under_the_same_id():
    with SmtpServer("none") as server:
        server.behaviour = "drop-after-data"
        error = refused(mail_to(server))
        server.behaviour = "serve"
        send(mail_to(server))
        mails = server.wait_for_mails(2)
    assert not error.permanent
    assert {mail.message["Message-ID"] for mail in mails} == {"<2@buddywatch.xp-07>"}


def test_no_server_is_temporary_and_names_the_place():
    with SmtpServer("none") as server:
        mail = mail_to(server)
    error = refused(mail)
    assert not error.permanent and f"127.0.0.1:{mail.port}" in str(error) and "refused" in str(error)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 300])
def test_a_name_without_address_is_temporary_and_names_it(name):
    error = refused(Mail(to=("a@b",), sender="a@b", server=name, port=25, security="none"))
    assert not error.permanent and "no address" in str(error)


def test_a_peer_that_is_no_mail_server_is_told_as_such():
    listener = socket.create_server(("127.0.0.1", 0))

    def greet():
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            peer.recv(100)

    thread = threading.Thread(target=greet)
    thread.start()
    port = listener.getsockname()[1]
    error = refused(Mail(to=("a@b",), sender="a@b", server="127.0.0.1", port=port, security="none"))
    thread.join(WAIT_S)
    listener.close()
    assert "does not speak SMTP" in str(error)


def test_the_dialogue_of_a_failure_is_kept_in_order():
    with SmtpServer("none") as server:
        server.data_reply = "554 5.6.0 no"
        dialogue = refused(mail_to(server)).dialogue
    assert dialogue[0].startswith("S: 220 mail.test")
    assert [line.split()[1].upper() for line in dialogue if line.startswith("C:")][:2] == ["EHLO", "MAIL"]
    assert "S: 554 5.6.0 no" in dialogue


def test_send_asks_the_dns_for_nothing_but_the_server():
    """smtplib by itself calls socket.getfqdn(), which may hang for half a minute on a host without DNS."""
    with SmtpServer("none") as server:
        del LOOKUPS[:]
        send(mail_to(server))
        assert LOOKUPS == [("socket.getaddrinfo", "127.0.0.1")]


def test_a_cut_is_called_at_once_when_the_time_is_over():
    cut = []
    with Deadline(3600) as deadline:
        deadline.cancel()
        with deadline.cut_by(lambda: cut.append("now")):
            assert cut == ["now"]


def test_a_cut_is_not_called_after_what_it_was_for():
    cut = []
    with Deadline(3600) as deadline:
        with deadline.cut_by(lambda: cut.append("late")):
            pass
        deadline.cancel()
    assert cut == []


def _own_address():
    """An address of this machine that is not loopback; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]
