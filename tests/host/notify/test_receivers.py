"""Receivers of their own: webhooks on a real HTTP server, syslog on a real socket, files; who gets what."""

import hashlib
import hmac
import json
import os
import socket
from dataclasses import replace

import pytest
from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import Receiver
from buddywatch.model.alerts import SENT, WAITING, Route
from buddywatch.notify.base import Deadline, NotifyError, Parcel
from buddywatch.notify.channels import LocalChannel, WebhookChannel, channels_of, routes_of
from configfiles import SERVER, load_text, mail
from outboxbench import MESSAGE, START, states
from waiting import DEADLINE_S
from webserver import Web

CRITICAL = replace(MESSAGE, payload={**MESSAGE.payload, "severity": "critical"})


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def send(channel, message=CRITICAL, seconds=DEADLINE_S):
    with Deadline(seconds) as deadline:
        return channel.send(Parcel(message, START), deadline)


def refused(channel):
    with pytest.raises(NotifyError) as caught:
        send(channel)
    return caught.value


def test_a_webhook_gets_the_json_of_a_hook(web):
    send(WebhookChannel(Receiver("chat", webhook=web.url)))
    [(method, path, headers, body)] = web.got
    assert (method, path, headers["Content-Type"]) == ("POST", "/hook?token=s3cret", "application/json")
    assert json.loads(body) == CRITICAL.payload
    assert "X-Buddywatch-Signature" not in headers


def test_a_webhook_is_signed_with_the_key_of_its_file(web, tmp_path):
    (tmp_path / "key").write_text("open sesame\n")
    send(WebhookChannel(Receiver("chat", webhook=web.url, sign_file=tmp_path / "key")))
    [(_, _, headers, body)] = web.got
    expected = hmac.new(b"open sesame", body, hashlib.sha256).hexdigest()
    assert headers["X-Buddywatch-Signature"] == f"sha256={expected}"


def test_a_key_that_cannot_be_read_is_reported_without_sending(web, tmp_path):
    error = refused(WebhookChannel(Receiver("chat", webhook=web.url, sign_file=tmp_path / "gone")))
    assert error.permanent and "gone" in str(error) and web.got == []


@pytest.mark.parametrize(
    ("status", "permanent", "of_message"),
    [(500, False, False), (429, False, False), (404, True, False), (302, True, False), (422, True, True)],
)
def test_an_answer_says_whether_to_try_again_and_no_secret_is_shown(web, status, permanent, of_message):
    web.status = status
    error = refused(WebhookChannel(Receiver("chat", webhook=web.url)))
    assert (error.permanent, error.of_message) == (permanent, of_message)
    assert str(status) in str(error) and "s3cret" not in str(error)
    assert [path for _, path, _, _ in web.got] == ["/hook?token=s3cret"], "a redirection is not followed"


def test_a_webhook_that_cannot_be_reached_is_tried_again():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        error = refused(WebhookChannel(Receiver("chat", webhook=url)))
    assert not error.permanent and "Connection refused" in str(error)


def test_a_webhook_that_hangs_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(NotifyError, match=r"took longer than 0\.5 s"):
            send(WebhookChannel(Receiver("chat", webhook=url)), seconds=0.5)


def test_a_file_gets_a_line_of_json_for_each_message(tmp_path):
    channel = LocalChannel(Receiver("log", file=tmp_path / "alerts.jsonl"))
    send(channel)
    send(channel)
    lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [CRITICAL.payload] * 2


def test_a_file_that_cannot_be_written_is_tried_again(tmp_path):
    error = refused(LocalChannel(Receiver("log", file=tmp_path / "no" / "alerts")))
    assert not error.permanent and "No such file or directory" in str(error)


def test_syslog_gets_one_line_with_its_severity(tmp_path):
    path = os.path.join(tmp_path, "log")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as remote,
    ):
        log.bind(path)
        remote.bind(("127.0.0.1", 0))
        for target in (path, f"127.0.0.1:{remote.getsockname()[1]}"):
            send(LocalChannel(Receiver("log", syslog=target)))
        assert {log.recv(1000), remote.recv(1000)} == {b"<26>buddywatch: CRIT xp-07: refused"}


def test_syslog_without_a_socket_is_tried_again(tmp_path):
    assert "syslog" in str(refused(LocalChannel(Receiver("log", syslog=str(tmp_path / "none")))))


def test_receivers_are_channels_of_their_own(bench, web, tmp_path):
    web.status = 503
    desk = bench(receivers=(Receiver("chat", webhook=web.url), Receiver("log", file=tmp_path / "log")))
    desk.add()
    desk.run()
    assert states(desk) == [("receiver:chat", WAITING, 1), ("receiver:log", SENT, 1)]


def test_routes_say_who_gets_what(tmp_path):
    config = load_text(
        tmp_path,
        mail(SERVER)
        + '[[receiver]]\nname = "ops"\nto = ["ops@example.org"]\nseverities = ["critical"]\nboards = ["roof-*", "xp"]\n'
        + '[[receiver]]\nname = "all"\nsyslog = "/dev/log"\n',
    )
    assert list(channels_of(config)) == ["mail", "receiver:ops", "receiver:all"]
    assert channels_of(config)["receiver:ops"].mail.to == ("ops@example.org",)
    ops = Route("receiver:ops", ("critical",), ("roof-*", "xp"))
    assert routes_of(config) == [Route("mail"), ops, Route("receiver:all")]
    taken = [(board, severity) for board in ("roof-7", "xp", "xp-2") for severity in ("critical", "warning")]
    assert [one for one in taken if ops.takes(*one)] == [("roof-7", "critical"), ("xp", "critical")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('webhook = "ftp://x"', 'expected an address such as "https://example.org/alerts"'),
        ('webhook = "http://x"\nfile = "x"', "expected one of to, webhook, syslog, file, found webhook and file"),
        ("", "expected one of to, webhook, syslog, file, found none of them"),
        ('to = ["a@b"]', "to: expected a section [mail]"),
        ('file = "x"\nsign_file = "y"', "sign_file: belongs to webhook"),
        ('file = "x"\nseverities = ["ok"]', 'expected a list such as ["critical"]'),
    ],
)
def test_a_receiver_that_makes_no_sense_is_reported(tmp_path, text, said):
    with pytest.raises(ConfigError, match="receiver") as caught:
        load_text(tmp_path, f'[[receiver]]\nname = "x"\n{text}\n')
    assert said in str(caught.value)
