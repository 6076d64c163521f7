"""`buddywatch replay`."""

import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from runner import ENV, Runner

TRACES = Path(__file__).resolve().parents[2] / "fixtures" / "traces"
MARKS = ("--page-kb", "4", "--min-kb", "280", "--low-kb", "348", "--kernel", "2.6.30", "--interval", "5")


def test_trace_gives_a_timeline_with_what_was_sent(buddywatch: Runner) -> None:
    done = buddywatch("replay", str(TRACES / "cron-a.tsv"), *MARKS, "--need", "rm=61440:exec", "--json")
    timeline = done.json["timeline"]
    assert done.code == 0 and {entry["board"] for entry in timeline} == {"cron-a"}
    assert all(before["time"] <= after["time"] for before, after in pairwise(timeline))
    fired = [entry for entry in timeline if entry["rule"] == "refused" and entry["to"] == "firing"]
    assert [(entry["need"], entry["message"]) for entry in fired] == [("rm", True)]
    assert len(done.json["messages"]) >= 2 and "j60k" in done.json["messages"][-1]["body"]


def test_level_board_gives_nothing(buddywatch: Runner) -> None:
    done = buddywatch("replay", str(TRACES / "resident-d.tsv"), *MARKS, "--need", "rm=61440:exec", "--json")
    assert done.json == {"timeline": [], "messages": []}


def test_text_has_each_message_and_on_request_all_of_it(buddywatch: Runner) -> None:
    arguments = ("replay", str(TRACES / "cron-a.tsv"), *MARKS, "--board", "xport")
    short, full = buddywatch(*arguments), buddywatch(*arguments, "--messages")
    assert "xport: [buddywatch] CRIT" in short.out and "up 2 h 18 min" in short.out
    assert len(full.out) > 3 * len(short.out)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--kernel", "2.6.30", "--interval", "5"), "the page size is not known; give --page-kb"),
        (("--page-kb", "4", "--min-kb", "280", "--interval", "5"), "the kernel is not known; give --kernel"),
        (("--page-kb", "4", "--kernel", "2.6.30", "--interval", "5"), "the marks are not known; give --min-kb"),
    ],
)
def test_recording_that_nothing_can_be_said_about_is_not_taken_for_a_good_one(
    buddywatch: Runner, tmp_path: Path, given: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "roof.tsv"
    file.write_text("order0\torder1\torder2\torder3\torder4\n" + "9\t9\t9\t9\t0\n" * 20)
    done = buddywatch("replay", str(file), *given)
    assert done.code == 0
    assert f"-- roof: no verdict about a need is possible: {said}" in " ".join(done.out.split())
    assert "no verdict" not in buddywatch("replay", str(file), *MARKS).out


def test_replay_leaves_the_users_database_alone(buddywatch: Runner) -> None:
    buddywatch("replay", str(TRACES / "cron-a.tsv"), *MARKS)
    assert not buddywatch.db.exists()


def test_compressed_recording_and_standard_input_are_the_same(buddywatch: Runner, tmp_path: Path) -> None:
    packed = tmp_path / "b.tsv.gz"
    packed.write_bytes(gzip.compress((TRACES / "cron-a.tsv").read_bytes()))
    texts = [entry["text"] for entry in buddywatch("replay", str(packed), *MARKS, "--json").json["timeline"]]
    argv = [sys.executable, "-m", "buddywatch", "--db", str(buddywatch.db), "replay", "-", *MARKS, "--messages"]
    piped = subprocess.run(argv, input=packed.read_bytes(), capture_output=True, env=ENV, check=True)
    assert texts and b"CRIT" in piped.stdout


@pytest.mark.parametrize(
    ("content", "expected"),
    [("", "of no known format"), ("hello\n", "of no known format"), ("order0\torder1\n1\t2\n3\t4\n", "--interval")],
)
def test_file_that_cannot_be_used_is_one_line(buddywatch: Runner, tmp_path: Path, content: str, expected: str) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    done = buddywatch("replay", str(file))
    assert done.code == 2 and expected in done.err and len(done.err.splitlines()) == 1


@pytest.mark.parametrize("need", ["rm", "=5", "rm=x", "rm=5:run", "rm=5:"])
def test_need_that_is_none_is_refused(buddywatch: Runner, need: str) -> None:
    assert buddywatch("replay", "x", "--need", need).code == 2


def test_missing_file_and_folder_are_named(buddywatch: Runner, tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        done = buddywatch("replay", str(path))
        assert done.code == 2 and str(path) in done.err
