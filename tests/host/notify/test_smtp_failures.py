"""Mail servers that refuse, stall, break off, or are none at all; and the time limit that ends it."""

import socket
import threading

import pytest
from buddywatch.config.load import Mail
from buddywatch.notify import smtp
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.mail import compose_mail
from mailing import CREATED, MESSAGE, mail_to, refused, send
from smtp_server import WAIT_S, SmtpServer


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
