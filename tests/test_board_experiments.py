"""The experiments of docs/prevention.md: their workload, and how results are shown. Playing needs the board."""

import re
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import docs_pages
import kind

from scripts.board_experiments import columns, results
from scripts.board_experiments.__main__ import main
from scripts.board_experiments.measures import BY_NAME, HELD, LOGINS, MEASURES, NO_SESSIONS, control_of
from scripts.board_experiments.play import Outcome, machine
from scripts.board_experiments.sessions import EACH_STEPS, Sessions
from scripts.board_experiments.workload import FILES_MAX, LOGS, PROBE_STEPS, Habits, Workload

KNOWN = r"start-\w+ x & P\d+=\$!|echo y >/tmp/\d+|: >/tmp/\d+|kill \$P\d+|wait \$P\d+|:"
PROGRAMS = (docs_pages.TOP / "agent/board/probe/programs").read_text()


def lines_of(seed, habits=Habits(), steps=300):  # noqa: B008 - frozen
    return list(islice(Workload(seed, habits).steps(), steps))


def test_workload_is_the_same_for_a_seed_and_starts_nothing_but_its_programs():
    assert lines_of(1) == lines_of(1) != lines_of(2)
    for step in lines_of(3):
        for line in step:
            for command in line.split("; "):
                assert re.fullmatch(KNOWN, command)
                assert len(command) < machine.COMMAND_MAX_CHARS - 80


def test_every_program_that_is_started_ends_and_files_are_emptied():
    text = "; ".join(line for step in lines_of(1, steps=600) for line in step)
    started, ended = len(re.findall(r"start-", text)), len(re.findall(r"kill ", text))
    assert started == 600 and started - 12 <= ended <= started
    written, emptied = len(re.findall(r"echo y", text)), len(re.findall(r": >", text))
    assert 0 < written - emptied < FILES_MAX
    names = set(re.findall(r"echo y >(\S+)", text))
    assert len(names) < written / 2
    new = "; ".join(line for step in lines_of(1, Habits(has_new_names=True)) for line in step)
    assert len(set(re.findall(r"echo y >(\S+)", new))) == len(re.findall(r"echo y", new))


def test_programs_of_the_measures_are_on_the_board():
    names = set(re.findall(r"^(start-\w+)", PROGRAMS, re.MULTILINE))
    for measure in MEASURES:
        text = "; ".join(line for step in lines_of(1, measure.habits, 60) for line in step)
        used = set(re.findall(r"start-\w+", f"{text} {measure.at_boot} {measure.late}"))
        assert used and used <= names


def test_files_that_are_written_apart_are_written_while_no_program_runs():
    running = 0
    for step in lines_of(1, Habits(is_apart=True)):
        for line in step:
            running += line.count("start-") - line.count("kill ")
            assert not (running and "echo y" in line)


def test_files_are_removed_by_the_command_of_the_measure():
    text = "; ".join(line for step in lines_of(1, BY_NAME["rm"].habits) for line in step)
    assert ": >" not in text and len(re.findall(r"rm /tmp/\d+", text)) > 100
    assert lines_of(1, BY_NAME["unlink"].habits) == [
        [line.replace("rm /tmp", "unlink /tmp") for line in step] for step in lines_of(1, BY_NAME["rm"].habits)
    ]
    assert BY_NAME["unlink"].is_nofork and not BY_NAME["rm"].is_nofork


def test_where_programs_stay_only_the_probe_is_started():
    starts = [sum(line.count("start-60k") for line in step) for step in lines_of(1, BY_NAME["resident"].habits)]
    assert [at for at, count in enumerate(starts, 1) if count] == list(range(PROBE_STEPS, 301, PROBE_STEPS))
    assert sum(starts) == 300 // PROBE_STEPS
    assert BY_NAME["resident"].at_boot.count("start-") == 9


def test_logs_that_are_laid_out_are_written_into_and_stay():
    text = "; ".join(line for step in lines_of(1, BY_NAME["logs"].habits) for line in step)
    written = set(re.findall(r"echo y 1<>(/tmp/\w+)", text))
    assert written == {f"/tmp/log{number}" for number in range(LOGS)} and ": >" not in text and "echo y >" not in text
    assert {name for name in written if f"truncate -s 64k {name}" in BY_NAME["logs"].at_boot} == written


def test_each_measure_has_a_control_in_which_nothing_tears_memory():
    for measure in MEASURES:
        control = control_of(measure)
        sets_trimming = "nr_trim_pages" in measure.at_boot + measure.when_refused
        assert control.habits.is_apart == (sets_trimming or measure.habits.is_apart)
        assert sets_trimming or control.at_boot.endswith("echo 0 >/proc/sys/vm/nr_trim_pages")
        assert BY_NAME[control.name] == control and BY_NAME[measure.name] == measure
        assert BY_NAME[measure.against] in MEASURES


def served(kind, steps):
    """What Sessions types to a board of which each connection is a shell, step by step: [lines of a connection]."""
    heard, over = [], threading.Event()

    def serve(listener):
        while not over.is_set():
            connection = listener.accept()[0]
            lines = []
            heard.append(lines)
            with suppress(ConnectionError), connection, connection.makefile("rwb", buffering=0) as file:
                file.write(b"\xff\xfd\x01/ # ")
                for line in file:
                    lines.append(line.decode().strip())
                    if lines[-1] == "exit":
                        break
                    file.write(b"x\r\n/ # ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with Sessions(kind, port) as sessions:
            for step in range(1, steps + 1):
                sessions.step(step)
        over.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
    return heard[:-1] if heard and not heard[-1] else heard


def test_sessions_are_many_or_one_or_none():
    assert served(NO_SESSIONS, 20) == []
    assert served(LOGINS, 3 * EACH_STEPS + 1) == [["echo x", "exit"]] * 3
    assert served(HELD, 3 * EACH_STEPS + 1) == [["echo x"] * 3 + ["exit"]]


def test_login_that_finds_no_shell_is_not_the_end():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Sessions(LOGINS, port) as sessions:
        sessions.step(EACH_STEPS)


RUNS = [
    Outcome("4k", "default", seed, 190, 140 + seed, 4000 + seed, 50, "", [(10, 5000, 4000), (140, 4100, 64)])
    for seed in (1, 2, 3)
] + [Outcome("4k", "trim-0", seed, 600, None, 4200, None, "", [(10, 5000, 4000), (600, 4500, 3400)]) for seed in (1, 2)]


def test_table_has_the_spread_and_what_was_never_refused():
    lines = results.table(RUNS)
    assert (
        lines[2]
        == f"| 6.1, 4 kB pages | {BY_NAME['default'].what} | 3 | median 142 (141 to 143) | 4001 to 4003 kB | 50 |"
    )
    assert lines[3] == f"| 6.1, 4 kB pages | {BY_NAME['trim-0'].what} | 2 | none of 600 | 4200 to 4200 kB | - |"
    mixed = results.table([*RUNS[3:], replace(RUNS[0], measure="trim-0", seed=3)])
    assert "median 141 (141 to 141); 2 runs: none of 600" in mixed[2]


def test_picture_and_curves_show_first_refusals():
    default, trimmed, scale = results.picture(RUNS, 600)
    assert default.index("o") == default.index("|") + 1 + round(142 * 39 / 600)
    assert trimmed.endswith("o| never refused") and scale.endswith("600")
    head, first, last = results.curves([RUNS[0], RUNS[3]])
    assert "highest is 4000 kB" in head
    assert first.split() == ["default", "█▁", "refused", "at", "step", "141"]
    assert last.split()[:2] == ["trim-0", "█▇"]


def test_runs_that_there_are_can_be_shown_without_a_board(tmp_path, monkeypatch, capsys):
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(f"{results.to_line(run)}\n" for run in RUNS))
    for name in ("vmlinux-4k", "rom-flat.bin"):
        (tmp_path / name).touch()
    (tmp_path / "machine.toml").write_bytes((kind.BOARDS / kind.DEFAULT / "machine.toml").read_bytes())
    options = ["--show", "--flavours", "4k", "--seeds", "2", "--board", str(tmp_path), "--results", str(path)]
    monkeypatch.setattr(sys, "argv", ["board-experiments", *options])
    before = signal.getsignal(signal.SIGTERM)
    assert main() == 0
    signal.signal(signal.SIGTERM, before)
    shown = capsys.readouterr().out
    assert shown.splitlines()[:4] == results.table([run for run in RUNS if run.seed <= 2])
    assert path.read_text().count("\n") == len(RUNS)


def test_column_costs_what_its_changes_take_on_the_wire():
    played = [([500 * poll, 9, 0, 0, 0, 0, *columns.MARKS, 5, 5], {"net": 0, "load": poll % 2}) for poll in range(32)]
    now = columns.bytes_each([vector for vector, _ in played])
    assert columns.bytes_each(columns.with_one_more(played, "net")) == now
    assert columns.bytes_each(columns.with_one_more(played, "load")) == now + 31 / 32  # each a digit, but the first


def test_runs_are_read_back():
    assert [results.from_line(results.to_line(run)) for run in RUNS] == RUNS
