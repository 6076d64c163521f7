"""hush:// against real shells: BusyBox's hush as built for a board without MMU, ash, dash and bash."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from buddywatch.model.samples import NOT_HELD
from termtools import TOP, Console, Typist, nommu_busybox, processes_started, script, server, telnetd, tool, traced
from watching import Watch

POLLS = 14  # the watermarks are read a second time
FAILURE = b"[  123.456789] nommu: Allocation of length 61440 from process 6821 (rm) failed\r\n"
ROOT = ("root", "open sesame")
Watching = Callable[[str], Watch]


@pytest.fixture
def busybox() -> str:
    return nommu_busybox()


def shells() -> list[object]:
    return [
        pytest.param("hush", lambda: [nommu_busybox(), "hush"], id="hush-nommu"),
        pytest.param("ash", lambda: [tool("busybox"), "ash"], id="busybox-ash"),
        pytest.param("dash", lambda: ["/bin/sh", "-i"], id="sh"),
        pytest.param("bash", lambda: ["/bin/bash", "--norc"], id="bash"),
    ]


def logged_in(shell: list[str]) -> list[str]:
    """The command that asks for name and password, and then runs the shell."""
    return [sys.executable, str(TOP / "tests" / "board_login.py"), *ROOT, *shell]


@pytest.mark.parametrize(("name", "shell"), shells())
def test_polls_start_no_process(name: str, shell: Callable[[], list[str]], watching: Watching, tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    command = script(tmp_path / "shell", traced(shell(), log), PS1="/ # ")
    argv, port = telnetd(nommu_busybox(), command)
    with server(argv, port):
        watch = watching(f"hush://127.0.0.1:{port}/?interval=1").has(2)
        before = processes_started(log)
        watch.has(2 + POLLS)
        assert processes_started(log) == before, f"{name}: {log.read_text()[-2000:]}"
    assert before <= 2  # bash looks at its terminal; nothing is started for the login itself
    boot = watch.boots[-1]
    assert boot.facts["kernel"] == os.uname().release
    assert boot.facts["ring"] == "0"
    assert set(boot.facts["missing"].split(",")) >= {"kernel-log", "stat"}
    assert [snapshot.seq for snapshot in watch.snapshots[:1]] == [1]
    assert {gap.reason for gap in watch.gaps} <= {NOT_HELD}


def test_the_trace_does_show_what_a_cat_starts(tmp_path: Path, busybox: str) -> None:
    log = tmp_path / "strace.log"
    typist = Typist(traced([busybox, "hush"], log), PS1="/ # ")
    try:
        typist.read_until(b"# ")
        typist.type(b"cat /proc/version\n")
        typist.read_until(b"Linux version")
        typist.read_until(b"# ")
        assert processes_started(log) >= 2  # a vfork, and an execve for each folder of PATH up to the right one
    finally:
        typist.close()


def test_what_is_read_is_what_the_kernel_says(watching: Watching, tmp_path: Path, busybox: str) -> None:
    argv, port = telnetd(busybox, script(tmp_path / "shell", [busybox, "hush"], PS1="/ # "))
    with server(argv, port):
        watch = watching(f"hush://127.0.0.1:{port}/?interval=1").has(3)
    rows = re.findall(r"Node (\d+), zone +(\w+)((?: +\d+)+)", Path("/proc/buddyinfo").read_text())
    snapshot = watch.snapshots[-1]
    assert [(zone.node, zone.name) for zone in snapshot.zones] == [(int(node), name) for node, name, _ in rows]
    assert [len(zone.nr_free) for zone in snapshot.zones] == [len(counts.split()) for _, _, counts in rows]
    marks = re.findall(r"^ +(min|low|high) +(\d+)$", Path("/proc/zoneinfo").read_text(), re.MULTILINE)
    told = [mark for zone in snapshot.zones for mark in (zone.min_pages, zone.low_pages, zone.high_pages)]
    assert told == [int(pages) for _, pages in marks[: len(told)]]
    total_kb = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1])
    assert snapshot.free_pages is not None
    assert 0 < snapshot.free_pages * os.sysconf("SC_PAGE_SIZE") // 1024 <= total_kb
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert uptime_s - 60 < snapshot.uptime_ms / 1000 <= uptime_s


def test_login_with_the_secret_from_a_file(watching: Watching, tmp_path: Path, busybox: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(ROOT[1] + "\n")
    secret.chmod(0o600)
    command = script(tmp_path / "login", logged_in([busybox, "hush"]), PS1="xport:/ # ")
    argv, port = telnetd(busybox, command)
    with server(argv, port):
        watch = watching(f"hush://root@127.0.0.1:{port}/?interval=1&login=file:{secret}").has(3)
    assert "sesame" not in " ".join(watch.console + watch.news)
    assert not any("read -r" in line or "/ #" in line for line in watch.console)


def test_a_console_gives_kernel_failures_out_of_the_middle_of_answers(watching: Watching, busybox: str) -> None:
    console = Console([busybox, "hush"], PS1="/ # ")
    try:
        watch = watching(f"hush+serial://{console.path}?interval=1").has(2)
        for number in range(4):
            console.speak(FAILURE.replace(b"6821", b"%d" % (7000 + number)))
            watch.until(lambda watch, count=number: len(watch.events) > count)
        watch.has(len(watch.snapshots) + 2)
    finally:
        console.close()
    assert [(event.kind, event.number, event.pid, event.comm) for event in watch.events] == [
        ("alloc", 61440, 7000 + number, "rm") for number in range(4)
    ]
    assert all("zone" not in line and "$M" not in line for line in watch.console), watch.console
    orders = {len(zone.nr_free) for snapshot in watch.snapshots for zone in snapshot.zones}
    assert len(orders) == 1


def test_a_board_that_starts_anew_is_a_new_login(
    watching: Watching, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPORT_PASSWORD", ROOT[1])
    console = Console(logged_in([busybox, "hush"]), PS1="/ # ")
    try:
        watch = watching(f"hush+serial://root@{console.path}?interval=1&login=env:XPORT_PASSWORD").has(2)
        before = len(watch.snapshots)
        console.restart(logged_in([busybox, "hush"]), PS1="/ # ")
        watch.has(before + 2)
    finally:
        console.close()
    assert any("logged out" in line for line in watch.news)
    assert len({snapshot.boot_id for snapshot in watch.snapshots}) == 1  # the kernel is the same
    assert {gap.reason for gap in watch.gaps} == {NOT_HELD}
    assert console.typed.count(b"open sesame\n") == 2
    assert "sesame" not in " ".join(watch.console + watch.news)


def test_a_wrong_password_is_told_in_one_line_and_left_alone(
    watching: Watching, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPORT_PASSWORD", "let me in")
    console = Console(logged_in([busybox, "hush"]), PS1="/ # ")
    try:
        watch = watching(f"hush+serial://root@{console.path}?login=env:XPORT_PASSWORD")
        watch.until(lambda watch: watch.news)
        for _ in range(50):
            watch.turn()
    finally:
        console.close()
    (line,) = watch.news
    assert "rejects the login of root; it is tried again in 15 minutes" in line
    assert "let me in" not in line
    assert console.typed.count(b"let me in") == 1


def test_a_shell_that_hangs_is_left(watching: Watching, busybox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buddywatch.links.hush.ANSWER_S", 0.5)
    console = Console([busybox, "hush"], PS1="/ # ")
    try:
        watch = watching(f"hush+serial://{console.path}?interval=1").has(2)
        console.hold(True)
        watch.until(lambda watch: any("does not answer" in line for line in watch.news))
    finally:
        console.close()


def test_a_command_that_lost_a_quote_is_interrupted(
    watching: Watching, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buddywatch.links.hush.ANSWER_S", 2.0)
    console = Console([busybox, "hush"], PS1="/ # ")
    try:
        watch = watching(f"hush+serial://{console.path}?interval=1").has(2)
        console.board.type(b'"')
        watch.has(5)
    finally:
        console.close()
    assert watch.connection.is_up


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        pytest.param("read() { false; }", "expected a shell that reads files without starting a program", id="no-read"),
        pytest.param('echo() { /bin/echo "$@"; }', "each poll would start a process", id="echo-is-a-program"),
        pytest.param(
            "trap '' INT; while printf '$ '; read -r line; do printf 'sash: %s: not found\\n' \"$line\"; done",
            "the shell does not answer; it said: sash: ",
            id="no-word-at-all",
        ),
    ],
)
def test_a_shell_that_lacks_a_word_is_told(
    profile: str, complaint: str, watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buddywatch.links.hush.ANSWER_S", 1.0)
    (tmp_path / "profile").write_text(profile + "\n")
    shell = script(tmp_path / "shell", ["/bin/sh", "-i"], PS1="$ ", ENV=str(tmp_path / "profile"))
    argv, port = telnetd(nommu_busybox(), shell)
    with server(argv, port):
        watch = watching(f"hush://127.0.0.1:{port}/").until(lambda watch: watch.news)
    assert complaint in watch.news[0]
    assert not watch.connection.is_up
