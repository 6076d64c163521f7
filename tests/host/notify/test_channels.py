"""`test-alert`: every configured way out is really used, and a failure shows what was said."""

import json
import sys

import pytest
from buddywatch.config.sections import Collector, Config, Mail
from buddywatch.notify.base import NotifyError
from buddywatch.notify.channels import send_test
from mailing import mail_to_one
from smtp_server import SmtpServer


def test_send_test_really_sends_through_every_channel(hook, tmp_path):
    with SmtpServer() as server:
        pager = hook("(folder / 'got').write_bytes(sys.stdin.buffer.read())")
        lines = send_test(Config(Collector(tmp_path / "x.db"), mail=mail_to_one(server), hooks=(pager,)))
        (mail,) = server.wait_for_mails(1)
    assert lines == [f"mail: sent to you@b by 127.0.0.1:{server.port} (none)", "hook:pager: sent"]
    assert mail.message["Subject"].startswith("[buddywatch] TEST") and mail.message["Message-ID"].endswith("@b>")
    payload = json.loads((tmp_path / "got").read_bytes())
    assert (payload["schema"], payload["severity"], payload["transitions"]) == (1, "test", [])


def test_send_test_by_a_mail_command_names_it(hook, tmp_path):
    argv = hook("(folder / 'got').write_bytes(sys.stdin.buffer.read())").command
    lines = send_test(Config(Collector(tmp_path / "x.db"), mail=Mail(to=("you@b",), sender="me@b", command=argv)))
    assert lines == [f"mail: sent to you@b by {sys.executable}"]
    assert b"TEST" in (tmp_path / "got").read_bytes()


def test_send_test_tells_of_every_channel_and_gives_the_dialogue_without_secrets(hook, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("hunter2-hunter2")
    with SmtpServer("starttls", ("alerts", "right")) as server:
        mail = mail_to_one(server, user="alerts", password_file=secret)
        config = Config(Collector(tmp_path / "x.db"), mail=mail, hooks=(hook("pass"),))
        with pytest.raises(NotifyError) as caught:
            send_test(config)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("mail: failed:") and "login refused" in lines[0]
    assert lines[1] == "hook:pager: sent"
    assert "C: STARTTLS" in caught.value.dialogue and any("AUTH" in line for line in caught.value.dialogue)
    assert "hunter2" not in str(caught.value) + "".join(caught.value.dialogue)


def test_send_test_without_a_channel_says_what_is_missing(tmp_path):
    with pytest.raises(NotifyError, match=r"no \[mail\], no \[\[hook\]\] and no \[\[receiver\]\]"):
        send_test(Config(Collector(tmp_path / "x.db")))
