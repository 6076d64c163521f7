"""`buddywatch status` of several boards, and whether a collector runs at all."""

import os
import time

import pytest
from buddywatch.model.health import RUNNING, PartHealth
from livefleet import FAILING, LEVEL, tell

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n'


@pytest.fixture
def fleet(buddywatch, store, monkeypatch):
    """Two boards, on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("zz-bad", FAILING)]):
            tell(store, name, kind, time.time(), number=number)
    return buddywatch


def test_several_boards_are_a_line_each_worst_first(fleet):
    result = fleet("status")
    assert result.code == 1
    title, heading, *rows = result.lines
    assert title.startswith("buddywatch  2 boards: 1 FAIL 1 ok") and heading.split()[:3] == ["BOARD", "NEED", "BLOCK"]
    assert [row.split()[1] for row in rows] == ["zz-bad", "calm"]
    assert rows[0].split()[2:6] == ["rm", "64k", "0", "32k"]
    assert max(map(len, result.lines)) <= 80 and "\x1b" not in result.out


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_a_fleet_is_as_wide_as_the_terminal(fleet, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = fleet("status").lines
    assert max(map(len, lines)) <= columns and len(lines) == 4


def test_one_board_is_shown_with_everything(fleet):
    lines = fleet("status", "calm").lines
    assert lines[0].startswith("calm: link up") and any("usable" in line or "to spare" in line for line in lines)


def test_whether_a_collector_runs_is_the_first_line(fleet, store):
    store.save_part(PartHealth("writer", RUNNING, time.time()))
    assert fleet("status").lines[0] == f"collector running, pid {os.getpid()}"
    assert fleet("status", "calm").code == 0
    store._connection.execute("UPDATE parts SET owner = '999999999/1'")
    result = fleet("status")
    assert result.lines[0].startswith("NO COLLECTOR RUNS, last data 2") and result.code == 1
    calm = fleet("status", "calm")
    assert calm.lines[0].startswith("NO COLLECTOR RUNS") and calm.code == 1
    assert fleet("status", "calm", "--json").code == 1
