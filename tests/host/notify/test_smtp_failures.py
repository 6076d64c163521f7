"""Mail servers that refuse, stall, break off, or are none at all; and the time limit that ends it."""

import signal
import socket
import threading
from pathlib import Path

import pytest
from buddywatch.config.sections import Mail
from buddywatch.notify import smtp
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.mail import compose_mail
from mailing import CREATED, MESSAGE, mail_to, refused, send
from smtp_server import SmtpServer
from waiting import DEADLINE_S, wait_for


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


# Python runs a module of this name at its start.
_LEAVE_PID = "import os\nwith open({path!r}, 'w') as file:\n    file.write(f'{{os.getpid()}}\\n')\n"


def interrupted(folder, monkeypatch, mail, reached, before=""):
    """Cut an attempt short once `reached` returns; its error. Its process must be gone by then, and every thread."""
    (folder / "sitecustomize.py").write_text(_LEAVE_PID.format(path=str(folder / "pid")) + before)
    monkeypatch.syspath_prepend(folder)
    threads, deadline = threading.active_count(), Deadline(3600)

    def cut():
        reached()
        deadline.cancel()

    cutter = threading.Thread(target=cut)
    cutter.start()
    with deadline, pytest.raises(NotifyError) as caught:
        smtp.send(mail, compose_mail(mail, MESSAGE, CREATED), mail.to, deadline)
    cutter.join(DEADLINE_S)
    assert not Path("/proc", (folder / "pid").read_text().strip()).exists()
    wait_for(lambda: threading.active_count() <= threads, "the threads to end")
    return str(caught.value)


def test_a_look_up_that_hangs_is_cut_short_and_leaves_no_thread_and_no_process(tmp_path, monkeypatch):
    """getaddrinfo() cannot be interrupted from within."""
    asked = tmp_path / "asked"
    hang = f"import socket, time\nsocket.getaddrinfo = lambda *a, **k: (open({str(asked)!r}, 'w'), time.sleep(600))\n"
    with SmtpServer("none") as server:
        error = interrupted(tmp_path, monkeypatch, mail_to(server), lambda: wait_for(asked.exists, "the look-up"), hang)
        assert server.connections == 0
    assert "was interrupted (it sent nothing)" in error


def test_the_process_is_killed_and_reaped_when_a_server_stalls(tmp_path, monkeypatch):
    with SmtpServer("none") as server:
        server.behaviour = "drip"
        error = interrupted(tmp_path, monkeypatch, mail_to(server), lambda: server.wait_for_connections(1))
    assert "was interrupted" in error


def test_a_process_that_dies_is_temporary_and_told(tmp_path, monkeypatch):
    """Such as by the OOM killer of this machine."""
    said = '{"said": "S: 220 hello"}\\n{"error": "cut sh'
    kill = f"import os; os.write(1, b'{said}'); os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    (tmp_path / "sitecustomize.py").write_text(kill)
    monkeypatch.syspath_prepend(tmp_path)
    with SmtpServer("none") as server:
        error = refused(mail_to(server))
    assert not error.permanent and "the process that sends the mail was ended by signal 9" in str(error)
    assert error.dialogue == ("S: 220 hello",)


def test_an_attempt_whose_collector_is_gone_ends_by_itself(tmp_path, monkeypatch):
    """SIGALRM is set to come some time after the limit; its clock is seen here, and not waited for."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, signal\n"
        f"atexit.register(lambda: open({str(tmp_path / 'left')!r}, 'w').write(str(signal.alarm(0))))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with SmtpServer("none") as server:
        send(mail_to(server, timeout_s=60))
    assert 60 < int((tmp_path / "left").read_text()) <= 70


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
                smtp.send(mail, compose_mail(mail, MESSAGE, CREATED), mail.to, deadline)
            failures.append(str(caught.value))

        thread = threading.Thread(target=attempt)
        thread.start()
        server.wait_for_connections(1)
        deadline.cancel()
        thread.join(DEADLINE_S)
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
    thread.join(DEADLINE_S)
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
