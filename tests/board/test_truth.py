"""The verdict against the kernel: thousands of requests on a running board, each with the free blocks right before."""

import os
import subprocess
from pathlib import Path

import pytest
from boardside import flavour_or_skip
from buddyd import watermark
from truth import BOARD, FEWER_PAGES, FLAVOURS, LATE, RECLAIM, RECORD, UNEXPLAINED, Report, Trial, reports_of, tables

TOP = Path(__file__).resolve().parent.parent.parent
AGENT = TOP / "agent"
# What runs on the board: the same module under the board's interpreter. Prints a verdict and margin for each line.
JUDGE = """
import sys
from buddyd import watermark
for line in sys.stdin:
    rule, order, taken, low, beside, *numbers = line.split()
    zone = [int(n) for n in numbers[1:]], int(numbers[0]), int(low), 0, int(beside)
    print(*watermark.judge([zone], int(order), rule, int(taken)))
"""
Reports = dict[str, Report]


@pytest.fixture(scope="module", params=FLAVOURS)
def reports(request: pytest.FixtureRequest, board_out: Path) -> Reports:
    """All three ways to ask, on one kernel; the tables are left beside it."""
    found = reports_of(flavour_or_skip(board_out, request.param))
    table = tables(found)
    (board_out / f"truth-{request.param}.txt").write_text(table + "\n")
    print(table)
    return {report.mode: report for report in found}


@pytest.fixture(params=["mmap", "cache", "exec"])
def report(request: pytest.FixtureRequest, reports: Reports) -> Report:
    return reports[request.param]


def _frees_late(report: Report) -> bool:
    """Whether programs end and an SMP kernel frees their pages later, which no look at a trial need show."""
    return report.mode == "exec" and report.trials[0].is_smp


def test_trials_reach_every_verdict(report: Report) -> None:
    table = report.table()
    assert table[watermark.OK, True] > 300
    assert table[watermark.TIGHT, True] >= 1
    assert table[watermark.REFUSED, False] > (300 if BOARD == "mcf5208" else 20)
    assert len({trial.before for trial in report.trials}) > len(report.trials) // 2


def test_every_disagreement_is_explained(report: Report) -> None:
    unexplained = [trial for reason, trial in report.disagreements() if reason == UNEXPLAINED]
    assert len(unexplained) <= (len(report.trials) // 500 if _frees_late(report) else 0), unexplained


def test_kernel_refuses_nothing_that_is_ok(report: Report) -> None:
    refused = [trial for trial in report.trials if trial.disagrees and not trial.granted]
    assert {trial.verdict for trial in refused} <= {watermark.TIGHT}
    assert len(refused) < len(report.trials) // (500 if _frees_late(report) else 1000)


def test_without_page_cache_the_verdict_is_the_kernels_answer(reports: Reports) -> None:
    """But for the record of a mapping, where the last page counts. A few trials come before all cache is dropped.

    What then still looks reclaimable are records of directories in use (SReclaimable). With 2.6.30 these are 17 pages,
    and a few more or less in the course of a run.
    """
    report = reports["mmap"]
    in_use = min(trial.reclaimable_pages for trial in report.trials)
    bare = [(reason, trial) for reason, trial in report.disagreements() if trial.reclaimable_pages == in_use]
    assert in_use < 32
    assert {reason for reason, _ in bare} <= {RECORD}
    above = sorted(trial.reclaimable_pages - in_use for trial in report.trials)
    assert above[len(above) // 10] == 0
    assert above[len(above) * 99 // 100] <= 8


def test_page_cache_rescues_by_reclaim_alone(reports: Reports) -> None:
    report = reports["cache"]
    assert {reason for reason, _ in report.disagreements()} <= {RECLAIM, RECORD}
    assert len(report.disagreements()) < len(report.trials) // 50
    # Where the root file system is in RAM its files are no cache.
    assert (max(trial.reclaimable_pages for trial in report.trials) > 20) == (BOARD == "mcf5208")


def test_exec_takes_at_most_the_pages_set_aside(reports: Reports) -> None:
    report = reports["exec"]
    late = {LATE, UNEXPLAINED} if _frees_late(report) else set()
    assert {reason for reason, _ in report.disagreements()} <= {RECLAIM, FEWER_PAGES, RECORD} | late
    assert len(report.disagreements()) < len(report.trials) // 50
    assert len({trial.order for trial in report.trials}) >= 3


def test_rule_is_that_of_the_kernel(reports: Reports) -> None:
    """One free block of the size that is asked for, none larger: it is what the two rules differ in."""
    report = reports["mmap"]
    asked = report.lone_block_trials()
    granted = sum(trial.granted for trial in asked)
    assert len(asked) > 100
    if report.rule == "old":
        assert granted < len(asked) // 20
    else:
        assert granted > len(asked) * 19 // 20


def test_verdict_on_the_board_is_the_same(report: Report, board_micropython: list[str]) -> None:
    """The very trials, judged by the board's processor and interpreter (big-endian, 32 bit)."""
    environment = os.environ | {"MICROPYPATH": str(AGENT)}
    judged = subprocess.run(
        [*board_micropython, "-c", JUDGE],
        input="".join(_as_line(report, trial) for trial in report.trials),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout.splitlines() == [f"{trial.verdict} {trial.margin_pages}" for trial in report.trials]


def _as_line(report: Report, trial: Trial) -> str:
    taken = watermark.EXEC_PAGES if trial.is_exec else 0
    blocks = " ".join(map(str, trial.before))
    return f"{report.rule} {trial.order} {taken} {report.marks[1]} {trial.beside_pages} {report.marks[0]} {blocks}\n"
