"""`make fleet`: every snapshot of its boards is in the database, and the exit code reports a missing one."""

import re
import sys
from pathlib import Path

import fleet
import pytest
from fleet_boards import Fleet
from pace import Pace

BOARDS = 3


@pytest.fixture
def small(tmp_path: Path) -> fleet.Measured:
    with Fleet(BOARDS, 0.1) as boards:
        return fleet.measure(boards, tmp_path, seconds=2.0, warm_up_s=0.0)


def test_all_that_the_boards_sent_is_stored(small: fleet.Measured) -> None:
    assert (small.boards, small.missing) == (BOARDS, 0)
    assert small.sent >= small.snapshots > BOARDS
    assert small.after.rss_bytes > 2**20
    assert small.after.written_bytes > small.before.written_bytes
    assert re.search(rf"^snapshots stored +{small.sent}$", small.table(), re.M)


def test_the_speed_of_the_machine_is_measured_in_the_same_seconds(small: fleet.Measured) -> None:
    assert small.pace.loop_ns > 1
    assert small.pace.row_us > 0.1
    cpu_us = (small.after.cpu_s - small.before.cpu_s) * 1e6 / small.snapshots
    assert re.search(rf"^CPU per snapshot in +{1000 * cpu_us / small.pace.loop_ns:.0f} steps, ", small.table(), re.M)


def test_a_lost_snapshot_is_missing(tmp_path: Path) -> None:
    with Fleet(BOARDS, 0.1) as boards:
        fleet.measure(boards, tmp_path, seconds=1.0, warm_up_s=0.0)
    waiting = fleet.Waiting(tmp_path / "buddywatch.db", boards.boards)
    assert waiting.missing() == 0
    lost, wrong = boards.boards[0], boards.boards[1]
    lost.sent[max(lost.sent) + 1] = (0,)
    wrong.sent[max(wrong.sent)] = (0,)
    assert fleet.Waiting(tmp_path / "buddywatch.db", boards.boards).missing() == 2


def test_silent_boards_send_nothing(tmp_path: Path) -> None:
    with Fleet(BOARDS, None) as boards:
        silent = fleet.measure(boards, tmp_path, seconds=1.0, warm_up_s=0.0)
    assert (silent.snapshots, silent.sent, silent.missing) == (0, 0, 0)
    assert re.search(r"^CPU per snapshot +-$", silent.table(), re.M)


def test_a_collector_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with Fleet(BOARDS, 0.1) as boards, pytest.raises(RuntimeError, match="the collector ended with exit code 1"):
        fleet.measure(boards, tmp_path, seconds=1.0, warm_up_s=0.0)


@pytest.mark.parametrize(("missing", "code"), [(0, 0), (1, 1)])
def test_the_exit_code_tells_of_loss(monkeypatch: pytest.MonkeyPatch, missing: int, code: int) -> None:
    used = fleet.Usage(0.0, 0, 0, 0)
    measured = fleet.Measured(1, 1.0, 5, 5, missing, used, used, None, Pace(50.0, 5.0), 0)
    monkeypatch.setattr(fleet, "measure", lambda *_, **__: measured)
    monkeypatch.setattr(sys, "argv", ["fleet", "--boards", "1"])
    assert fleet.main() == code
