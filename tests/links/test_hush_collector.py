"""A board without an agent in the collector: the same database, alerts and words; what is not known is said so."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from runner import ENV
from system_parts import buddywatch
from termtools import Console, nommu_busybox
from waiting import wait_for

FAILURE = "[%s] nommu: Allocation of length 61440 from process 6821 (rm) failed\r\n"
UNKNOWN = "not known: the kernel's log, how many processes are started, what happens while the link is down"
NEED = '[[need]]\nname = "rm"\nbytes = 61440\n\n[mail]\nto = ["you@board.test"]\nfrom = "watch@board.test"\n'


@pytest.fixture
def console():
    console = Console([nommu_busybox(), "hush"], PS1="/ # ")
    yield console
    console.close()


def rows(db: Path, sql: str) -> list[tuple[object, ...]]:
    if not db.exists():
        return []
    with closing(sqlite3.connect(db)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


def test_collect_status_and_mail(console: Console, tmp_path: Path) -> None:
    db, config, mail = tmp_path / "b.db", tmp_path / "config.toml", tmp_path / "mail"
    sendmail = json.dumps(["/bin/sh", "-c", f"cat >>{mail}"])
    config.write_text(f"{NEED}command = {sendmail}\n\n[alert]\nbatch = 0\n")
    url = f"hush+serial://{console.path}?interval=1&board=cellar"
    argv = [sys.executable, "-m", "buddywatch", "--db", str(db), "--config", str(config), "collect", "--plain", url]
    with subprocess.Popen(argv, env=ENV, stdout=subprocess.PIPE, text=True) as collector:
        try:
            wait_for(lambda: rows(db, "SELECT total(samples) >= 3 FROM journal") == [(1,)], "three snapshots")
            uptime_s = float(Path("/proc/uptime").read_text().split()[0])
            console.speak((FAILURE % f"{uptime_s:12.6f}").encode())
            wait_for(lambda: rows(db, "SELECT * FROM events"), "the kernel's line")
            wait_for(lambda: mail.exists() and "Allocation of length 61440" in mail.read_text(), "a mail about it")
            status = buddywatch(db, config, "status", "cellar")
            asked = buddywatch(db, config, "console", "cellar")
            (told,) = json.loads(buddywatch(db, config, "status", "--json", "cellar").out)["boards"]
        finally:
            collector.terminate()
            collector.wait()
    assert "cellar: link up" in status.out
    assert f"Linux {os.uname().release}" in status.out
    assert UNKNOWN in status.out
    assert f"link {url.removesuffix('&board=cellar')}: up" in status.out
    assert "kernel_failure" in status.out
    assert (asked.code, asked.out) == (4, "")
    assert "cellar is watched through its shell by" in asked.err
    assert status.code == 1
    assert told["unknown"][0] == "the kernel's log"
    assert told["needs"][0]["verdict"] == "ok"
    history = buddywatch(db, config, "history", "cellar", "--json")
    assert len(json.loads(history.out)["rows"]) >= 3


def test_a_collector_that_starts_again_goes_on_with_the_same_board(console: Console, tmp_path: Path) -> None:
    db, config = tmp_path / "b.db", tmp_path / "config.toml"
    config.write_text("")
    for _ in range(2):
        done = buddywatch(db, config, "collect", "--plain", "--for", "8", f"hush+serial://{console.path}?interval=1")
        assert (done.code, done.err) == (0, "")
    causes = [cause for (cause,) in rows(db, "SELECT cause FROM boots ORDER BY id")]
    assert causes == ["first", "agent-restart"]
    assert "rebooted" not in buddywatch(db, config, "alerts").out
