"""The story on a board whose programs lie in RAM: warned before, `ls` fails with megabytes free, and told why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from boardside import NAME, flavour_or_skip, lines_of, read_file, telnet_url, wait_for_agent
from machine import Machine
from runner import Result
from system_parts import Collector, buddywatch
from truth import FLAVOURS
from waiting import wait_for

SEGMENTATION_FAULT = 128 + 11
FAILED = r"Allocation of length (\d+) from process \d+ \(ls\) failed"


@dataclass
class Told:
    need_bytes: int
    before: dict[str, Any]  # status --json, after the boot
    warned: dict[str, Any]  # the alert, before anything failed
    nr_free: list[int]  # with memory in pieces
    ls_status: int
    kernel_log: str
    failure: dict[str, Any]  # the alert of it
    explained: tuple[Result, Result]  # text, JSON


def _alert(db: Path, config: Path, rule: str) -> dict[str, Any] | None:
    alerts = buddywatch(db, config, "alerts", "--json").json["alerts"]
    return next((alert for alert in alerts if alert["rule"] == rule), None)


def _status(db: Path, config: Path) -> dict[str, Any] | None:
    answer = buddywatch(db, config, "status", "--json")
    boards = answer.json["boards"] if answer.out else []  # nothing is stored at first
    return next((board for board in boards if board["name"] == NAME and board["needs"]), None)


@pytest.fixture(scope="module", params=FLAVOURS[:1])
def told(request: pytest.FixtureRequest, board_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("failure")
    db, config, log = folder / "buddywatch.db", folder / "config.toml", folder / "dmesg.txt"
    program = board_out / "busybox.flat"
    config.write_text(f'[[need]]\nname = "busybox"\nprogram = "{program}"\nexec = true\n')
    need = buddywatch(db, config, "need", "--json", str(program))
    with (
        Machine(board_out, flavour_or_skip(board_out, request.param)) as board,
        lines_of(board) as (serial, telnet),
    ):
        wait_for_agent(board)
        collector = Collector(db, config, [serial.url, telnet_url(telnet)])
        try:
            before = wait_for(lambda: _status(db, config), "the board with its need")
            board.console.run("shaper &")
            board.console.wait_for("shaped$")
            warned = wait_for(lambda: _alert(db, config, "refused"), "an alert that it is refused")
            nr_free = [int(word) for word in read_file(board, "/proc/buddyinfo").split()[4:]]
            status = board.console.run("ls /").status
            failure = wait_for(lambda: _alert(db, config, "kernel_failure"), "an alert about the failure")
            kernel_log = board.console.kernel_log()
            log.write_text(kernel_log)
            explained = [buddywatch(db, config, "explain", *how, str(log)) for how in ([], ["--json"])]
            assert collector.stop() == 0
        finally:
            collector.close()
    (found,) = need.json["programs"]
    by_page = {pages["page_bytes"]: pages["need_bytes"] for pages in found["pages"]}
    yield Told(by_page[4096], before, warned, nr_free, status, kernel_log, failure, (explained[0], explained[1]))


def test_need_is_served_after_the_boot(told: Told) -> None:
    (need,) = told.before["needs"]
    assert need["verdict"] == "ok"


def test_ls_fails_while_megabytes_are_free(told: Told) -> None:
    assert told.ls_status == SEGMENTATION_FAULT
    assert sum(count << order for order, count in enumerate(told.nr_free)) * 4096 > 1 << 20
    assert sum(told.nr_free[7:]) == 0  # no block of 512 kB


def test_collector_warned_before(told: Told) -> None:
    assert told.warned["need"] == "busybox"
    assert told.warned["opened"] <= told.failure["opened"]


def test_block_is_the_one_that_need_tells(told: Told) -> None:
    (asked,) = re.findall(FAILED, told.kernel_log)
    assert int(asked) == told.need_bytes


def test_explain_reads_the_boards_own_log(told: Told) -> None:
    text, as_json = told.explained
    (failure,) = as_json.json["failures"]
    assert text.code == as_json.code == 1
    assert (failure["process"], failure["requested_bytes"]) == ("ls", told.need_bytes)
    assert failure["verdict"] == "refused"
    assert f"asked for {told.need_bytes} bytes in one piece, a 512 kB block" in text.out
    assert "Why: fragmentation" in text.out
