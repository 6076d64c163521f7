"""`history`, `alerts` and `status` on real terminals: within the columns, worst first, no more than a screenful."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import time

import pytest
from livefleet import FAILING, LEVEL, tell
from runner import ENV

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 12), (140, 50)])


@pytest.fixture
def shown(buddywatch, store):
    """What a command shows on a terminal of that size, in lines without colours."""
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("bad", FAILING)]):
            tell(store, name, kind, time.time(), number=number)

    def show(columns, rows, *arguments):
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        where = ["--db", str(buddywatch.db), "--config", str(buddywatch.config)]
        env = {name: value for name, value in ENV.items() if name not in ("COLUMNS", "LINES")}
        argv = [sys.executable, "-m", "buddywatch", *where, *arguments]
        process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env={**env, "TERM": "xterm"})
        os.close(slave)
        found = b""
        try:
            while piece := os.read(master, 65536):
                found += piece
        except OSError:  # EIO: the other end is closed
            pass
        process.wait()
        os.close(master)
        return COLOURS.sub("", found.decode()).replace("\r\n", "\n").removesuffix("\n").split("\n")

    return show


@SIZES
@pytest.mark.parametrize(
    "command", [("history", "bad"), ("history", "bad", "--since", "1w", "--step", "6h"), ("alerts",), ("status",)]
)
def test_it_fits_the_terminal(shown, columns, rows, command):
    lines = shown(columns, rows, *command)
    assert max(map(len, lines)) <= columns
    assert len(lines) < rows  # the prompt has a line, too


@SIZES
def test_one_board_fits_its_columns(shown, columns, rows):
    lines = shown(columns, rows, "status", "bad")
    assert max(map(len, lines)) <= columns
    assert "critical, refused for" in " ".join(" ".join(lines).split())


def test_history_has_units_a_legend_and_its_newest_rows(shown):
    lines = shown(80, 24, "history", "bad")
    assert lines[0].startswith("usable: largest that succeeds; +n/-n: pages to spare/missing")
    assert lines[1].split() == ["time", "free", "usable", "rm", "httpd", "64k", "128k", "256k", "512k"]
    assert lines[2].startswith("... there is more before: --all")
    newest = lines[-1].split()
    assert re.fullmatch(r"\d+k", newest[2]) and newest[3] == "32k" and newest[4] == "FAILS"
    assert newest[-4:] == ["0", "0", "0", "0"]
    times = [line[:14] for line in lines[3:]]
    assert times == sorted(times) and len(times) == 24 - 4


def test_all_is_shown_when_asked(shown):
    lines = shown(80, 24, "history", "bad", "--all")
    assert len(lines) == 2 + 1 + 7 * 24  # the boot, and a row each hour
    assert "boot 000b0001 (first): Linux 2.6.30-uc0" in lines[2]
    assert not [line for line in lines if line.startswith("...")]
    steps = shown(80, 24, "history", "bad", "--step", "1d", "--all")
    assert steps[0].startswith("least of each step") and len(steps) in (9, 10, 11)


def test_alerts_are_worst_first(shown):
    lines = shown(80, 24, "alerts")
    states = [line.split()[4] for line in lines[1:]]
    assert states == sorted(states, reverse=True) and states[0] == "open"
    assert re.search(r"\bopen +\d+[hd]\w* +(rm|httpd): a request of", lines[1])
    few = shown(80, 4, "alerts")
    assert len(few) == 3 and few[-1].startswith("... and ")
    assert len(shown(80, 4, "alerts", "--all")) == len(lines)
