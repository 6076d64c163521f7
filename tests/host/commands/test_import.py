"""`buddywatch import`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from buddywatch.store.store import Store
from runner import ENV, Runner

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRACE, STREAM = FIXTURES / "traces" / "cron-a.tsv", FIXTURES / "streams" / "xport-07.txt"
MARKS = ("--min-kb", "280", "--low-kb", "348", "--kernel", "2.6.30", "--interval", "5")
AT = 1_690_000_000


def log(first, polls, at=AT):
    """A log of /proc/buddyinfo, its readings a minute apart."""
    return "".join(
        f"{at + 60 * n}\nNode 0, zone   Normal {n % 9:6} {n % 4:6} {n % 3:6} \n" for n in range(first, first + polls)
    )


def counted(done):
    (count,) = [value for key, value in done.json.items() if key != "unreadable"]
    return count["snapshots"], count["new_snapshots"]


def test_imported_trace_is_shown_by_the_other_commands(buddywatch: Runner) -> None:
    done = buddywatch("import", str(TRACE), *MARKS, "--board", "xport")
    assert done.code == 0 and "xport: 1743 snapshots, 65 events, 1 boot" in done.out
    status = buddywatch("status", "--json").json["boards"][0]
    assert (status["name"], status["kernel"], status["serviceable_bytes"]) == ("xport", "2.6.30", 32768)
    assert status["needs"][0]["verdict"] == "refused"
    assert len(buddywatch("history", "xport", "--json").json["rows"]) == 1743


def test_importing_again_stores_nothing_again(buddywatch: Runner) -> None:
    for path in (TRACE, STREAM):
        first = counted(buddywatch("import", str(path), *MARKS, "--json"))
        assert first[0] == first[1] > 0
        name = buddywatch("status", "--json").json["boards"][-1]["name"]
        before = buddywatch("history", name, "--json").out, buddywatch("log", name).out
        assert counted(buddywatch("import", str(path), *MARKS, "--json"))[1] == 0
        assert (buddywatch("history", name, "--json").out, buddywatch("log", name).out) == before


def test_grown_log_adds_only_what_is_new(buddywatch: Runner, tmp_path: Path) -> None:
    file = tmp_path / "roof.log"
    for polls, new in ((50, 50), (80, 30)):
        file.write_text(log(0, polls))
        assert counted(buddywatch("import", str(file), "--json")) == (polls, new)
    assert buddywatch("status", "--json").json["boards"][0]["name"] == "roof"


def test_logs_of_several_days_are_given_oldest_first(buddywatch: Runner, tmp_path: Path) -> None:
    (tmp_path / "1").write_text(log(0, 20))
    (tmp_path / "2").write_text(log(0, 20, AT + 86_400))
    assert counted(buddywatch("import", str(tmp_path / "1"), str(tmp_path / "2"), "--board", "b", "--json")) == (40, 40)
    (tmp_path / "0").write_text(log(0, 20, AT - 86_400))
    assert counted(buddywatch("import", str(tmp_path / "0"), "--board", "b", "--json")) == (20, 20)
    with Store.open(buddywatch.db) as store:
        times = [shot.time for shot in store.snapshots("b")]
    assert len(times) == 60 and times == sorted(times)


def test_what_is_imported_is_no_news_for_a_collector(buddywatch: Runner, tmp_path: Path) -> None:
    buddywatch("import", str(TRACE), *MARKS)
    (tmp_path / "nothing").touch()
    buddywatch("collect", "--plain", f"file:{tmp_path / 'nothing'}")
    assert buddywatch("alerts", "--json").json["alerts"] == []
    with Store.open(buddywatch.db) as store:
        history = store.rules_history("cron-a")
        assert [pieces for _, pieces in history.boots] == [()]


def test_other_options_for_the_same_recording_are_refused(buddywatch: Runner) -> None:
    buddywatch("import", str(TRACE), *MARKS)
    done = buddywatch("import", str(TRACE), "--kernel", "2.6.30")
    assert done.code == 2 and "with other settings" in done.err


def test_another_recording_with_the_same_first_reading_is_refused(buddywatch: Runner, tmp_path: Path) -> None:
    lines = TRACE.read_text().splitlines(keepends=True)
    other = tmp_path / "cron-a.tsv"
    other.write_text("".join(lines[:2] + lines[500:900]))
    assert buddywatch("import", str(TRACE), *MARKS).code == 0
    done = buddywatch("import", str(other), *MARKS)
    assert done.code == 2 and "--board" in done.err


def test_unreadable_lines_are_counted_and_named(buddywatch: Runner, tmp_path: Path) -> None:
    file = tmp_path / "b.log"
    file.write_text(log(0, 5) + "Node 0, zon\n" + log(5, 5))
    done = buddywatch("import", str(file))
    assert "1 line could not be used" in done.out and "line 11: a row of buddyinfo that is torn" in done.out


def test_stream_keeps_its_name_or_gets_another(buddywatch: Runner) -> None:
    buddywatch("import", str(STREAM))
    buddywatch("import", str(STREAM), "--board", "roof")
    assert [board["name"] for board in buddywatch("status", "--json").json["boards"]] == ["roof", "xport-07"]
    assert "login" in buddywatch("log", "roof").out


def test_time_of_the_file_is_the_end_of_a_recording_without_dates(buddywatch: Runner, tmp_path: Path) -> None:
    file = tmp_path / "b.tsv"
    file.write_text("up_ms\torder0\torder1\n1000\t1\t2\n61000\t2\t2\n")
    os.utime(file, (AT, AT))
    buddywatch("import", str(file))
    assert [row["time"] for row in buddywatch("history", "b", "--json").json["rows"]] == [AT - 60, AT]


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä"])
def test_board_name_that_no_board_can_have_is_refused(buddywatch: Runner, name: str) -> None:
    done = buddywatch("import", str(TRACE), "--board", name)
    assert done.code == 2 and not buddywatch.db.exists()


def test_replay_of_the_database_is_that_of_the_recording(buddywatch: Runner) -> None:
    buddywatch("import", str(TRACE), *MARKS)
    of_file = buddywatch("replay", str(TRACE), *MARKS, "--json").json
    for arguments in ((), ("--board", "cron-a"), (str(buddywatch.db),)):
        of_db = buddywatch("replay", *arguments, "--json").json
        assert json.dumps([(e["rule"], e["to"], e["message"]) for e in of_db["timeline"]]) == json.dumps(
            [(e["rule"], e["to"], e["message"]) for e in of_file["timeline"]]
        )
    assert buddywatch("replay", "--board", "nobody").code == 2


def test_pipe_of_a_few_lines_is_read_to_its_end(buddywatch: Runner) -> None:
    argv = [sys.executable, "-m", "buddywatch", "--db", str(buddywatch.db), "import", "-", "--board", "now"]
    done = subprocess.run(argv, input=log(0, 3).encode(), capture_output=True, env=ENV, check=True)
    assert b"now: 3 snapshots" in done.stdout


def test_what_proc_says_now_is_one_snapshot(buddywatch: Runner, tmp_path: Path) -> None:
    file = tmp_path / "buddyinfo"
    file.write_text("Node 0, zone   Normal      4      5      6 \n")
    assert counted(buddywatch("import", str(file), "--json")) == (1, 1)


def test_database_and_export_of_a_later_version_are_named_as_such(buddywatch: Runner, tmp_path: Path) -> None:
    buddywatch("import", str(STREAM))
    assert "a database; export it" in buddywatch("import", str(buddywatch.db)).err
    file = tmp_path / "later"
    file.write_text('{"buddywatch":"export","version":2}\n{}\n')
    done = buddywatch("import", str(file))
    assert done.code == 2 and "another version" in done.err
