"""Mail when the server is dead, hangs or cannot be trusted; and the hook, which gets the message as JSON."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import story
from smtp_server import SmtpServer
from system_links import Peer
from system_parts import BOARD, NEED_RM, Collector, buddywatch, mail_config, mail_server, text_of, wait_for_mail
from waiting import wait_for

RETRY_S = 60  # after the first failure; taken out of the outbox here, not waited for


class Watch:
    """A collector that hears a board which is in its failing state, from a recording that goes on for ever."""

    def __init__(self, folder: Path, recording: Path, config: str) -> None:
        self.db = folder / "x.db"
        self.config = folder / "config.toml"
        self.config.write_text(config)
        self._recording = recording
        self._started: list[Collector | Peer] = []

    def start(self) -> Collector:
        peer = Peer()
        self._started.append(peer)
        collector = Collector(self.db, self.config, [f"tcp://127.0.0.1:{peer.port}"])
        self._started.append(collector)
        peer.accept()
        peer.say(self._recording.read_bytes())
        return collector

    def close(self) -> None:
        for started in reversed(self._started):
            started.close()

    def status(self) -> str:
        return buddywatch(self.db, self.config, "status").out

    def outbox(self) -> list[tuple[str, int]]:
        """(state, attempts) of every message."""
        with closing(sqlite3.connect(self.db)) as connection:
            return connection.execute("SELECT state, attempts FROM outbox ORDER BY id").fetchall()

    def let_time_go_by(self, seconds: int) -> None:
        """For the outbox: what is to be tried again then is due."""
        with closing(sqlite3.connect(self.db)) as connection:
            connection.execute("UPDATE outbox SET next_try_ms = next_try_ms - ?", (seconds * 1000,))
            connection.commit()


@pytest.fixture
def watch(tmp_path: Path, recording: Path, request: pytest.FixtureRequest) -> Iterator[Watch]:
    with closing(Watch(tmp_path, recording, NEED_RM)) as watch:
        yield watch


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with mail_server() as server:
        yield server


def test_mail_comes_late_and_once_when_the_server_was_dead(tmp_path: Path, watch: Watch, server: SmtpServer) -> None:
    watch.config.write_text(NEED_RM + mail_config(server, tmp_path))
    server.stop()
    collector = watch.start()
    collector.wait_until_it_says("not sent yet")
    wait_for(lambda: set(watch.outbox()) == {("waiting", 1)}, lambda: f"what was tried once to wait: {watch.outbox()}")
    waiting = watch.outbox()
    assert "not delivered yet" in watch.status()
    assert f"{server.host}:{server.port}" in watch.status()
    assert collector.stop() == 0
    server.start()
    watch.let_time_go_by(RETRY_S)
    collector = watch.start()
    mail = wait_for_mail(server, lambda mail: story.KERNEL_LINE in text_of(mail), "about the failure")
    assert mail.over_tls
    wait_for(lambda: {state for state, _ in watch.outbox()} == {"sent"}, lambda: f"all sent: {watch.outbox()}")
    assert collector.stop() == 0
    ids = [mail.message["Message-ID"] for mail in server.mails]
    assert len(ids) == len(set(ids)) == len(watch.outbox())
    assert [attempts for _, attempts in watch.outbox()][: len(waiting)] == [2] * len(waiting)
    assert "not delivered" not in watch.status()


def test_mail_that_a_hanging_server_holds_up_is_sent_by_the_next_collector(
    tmp_path: Path, watch: Watch, server: SmtpServer
) -> None:
    watch.config.write_text(NEED_RM + mail_config(server, tmp_path))
    server.behaviour = "hang"
    collector = watch.start()
    server.wait_for_connections(1)
    assert collector.stop() == 0
    assert {state for state, _ in watch.outbox()} == {"waiting"}
    server.behaviour = "serve"
    collector = watch.start()
    wait_for(lambda: {state for state, _ in watch.outbox()} == {"sent"}, lambda: f"all sent: {watch.outbox()}")
    assert collector.stop() == 0
    assert len(server.mails) == len(watch.outbox())


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        pytest.param({"cert_host": "mail.example.org"}, "certificate is not accepted", id="other-name"),
        pytest.param({"expired": True}, "expired", id="expired"),
    ],
)
def test_mail_waits_while_the_certificate_is_bad(tmp_path: Path, watch: Watch, flaw: dict, expected: str) -> None:
    with mail_server(**flaw) as server:
        watch.config.write_text(NEED_RM + mail_config(server, tmp_path))
        collector = watch.start()
        collector.wait_until_it_says("not sent yet")
        assert collector.stop() == 0
        assert server.mails == []
        (line,) = [line for line in watch.status().splitlines() if "not delivered yet" in line]
    assert expected in line
    assert f"{server.host}:{server.port}" in line
    assert {state for state, _ in watch.outbox()} == {"waiting"}


def test_mail_is_not_sent_with_a_wrong_password(tmp_path: Path, watch: Watch, server: SmtpServer) -> None:
    watch.config.write_text(NEED_RM + mail_config(server, tmp_path))
    (tmp_path / "password").write_text("guessed\n")
    collector = watch.start()
    collector.wait_until_it_says("login refused")
    assert collector.stop() == 0
    assert server.mails == []
    assert "login refused" in watch.status()
    assert "guessed" not in watch.status() + collector.out


def _heard_rules(folder: Path) -> set[str]:
    """What the messages are about that the hook has written down whole."""
    whole = (folder / "heard").read_text().rpartition("\n")[0] if (folder / "heard").exists() else ""
    return {claim["rule"] for line in whole.splitlines() for claim in json.loads(line)["claims"]}


def test_hook_gets_the_message_as_json(tmp_path: Path, watch: Watch) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\ncat >>"{tmp_path}/heard"\n')
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    gone = '[[hook]]\nname = "gone"\ncommand = ["/nowhere/page"]\n'  # it is reported, and does not stop the other
    watch.config.write_text(f'{NEED_RM}\n[[hook]]\nname = "page"\ncommand = ["{hook}"]\n{gone}')
    collector = watch.start()
    wait_for(lambda: _heard_rules(tmp_path) >= {"refused", "kernel_failure"}, "the hook to have been called")
    assert collector.stop() == 0
    assert "[[hook]] #2 command: /nowhere/page cannot be started: No such file or directory; its" in collector.out
    heard = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]
    assert len(heard) == [state for state, _ in watch.outbox()].count("sent")
    assert {message["board"] for message in heard} == {BOARD}
    claims = [(claim["rule"], claim["need"], claim["severity"]) for message in heard for claim in message["claims"]]
    assert ("refused", "rm", "critical") in claims
    assert ("kernel_failure", None, "critical") in claims
    lines = [event for message in heard for event in message["kernel_lines"]]
    assert {(event["pid"], event["comm"], event["number"]) for event in lines} == {(6821, "rm", 61440)}
    assert all(message["text"].startswith("CRIT ") for message in heard)
