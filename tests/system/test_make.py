"""What a new user types first: `make run` and `make demo`. Slow, as they go by the clock."""

import re
import subprocess
from pathlib import Path

import docs_pages
from waiting import DEADLINE_S

TOP = Path(__file__).resolve().parent.parent.parent
STEPS = 30  # of the demonstration's 180


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """make in the top folder, with nothing to type on."""
    command = ["make", "--no-print-directory", "-s", *arguments]
    return subprocess.run(
        command, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=5 * DEADLINE_S
    )


def steady(line: str) -> str:
    """A line without what differs from run to run: the counts of pages, and so the blanks before them."""
    return re.sub(r" +\d+(?= |$)", " N", line)


def test_make_run_shows_this_machine() -> None:
    for seconds in (4, 15, 60):  # 4 s are enough on a machine that is not too busy
        done = make("run", f"FOR={seconds}")
        if "rm (needs a 64 kB block)" in done.stdout and "link up" in done.stdout:
            break
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert re.search(r"^\S+: link up, data \d", done.stdout, re.M)
    assert re.search(r"^  link (serial:///dev/pts/\d+|telnet://127\.0\.0\.1:\d+)\S*: up for ", done.stdout, re.M)
    assert re.search(r"^  rm \(needs a 64 kB block\): (OK|tight|FAILS)[,:] ", done.stdout, re.M)
    shown = docs_pages.blocks(TOP / "README.md", "text")[1].text.splitlines()
    assert [line.split()[0] for line in shown[1:]] == [
        line.split()[0] for line in done.stdout.splitlines()[-len(shown) + 1 :]
    ]


def test_make_demo_prints_three_mails() -> None:
    done = make("demo", f"STEPS={STEPS}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    subjects = re.findall(r"^Subject:\s+(.*)$", done.stdout, re.M)
    assert len(subjects) >= 3
    assert "CRIT xport: rm can no longer start" in subjects[0]
    assert any("the kernel refused 61440 bytes to rm (pid 6821)" in subject for subject in subjects[1:])
    assert re.search(r"\bOK resolved after [^:]+: rm can start again", done.stdout)
    shown = docs_pages.blocks(TOP / "README.md", "text")[0]
    assert {steady(line) for line in shown.text.splitlines()} - {"", "  ..."} - set(map(steady, lines)) == set()
    assert re.search(r"^  no open alert$", done.stdout, re.M)
