"""The case that buddywatch began with, on a running kernel: a free block of 64 kB is there, and `rm` does not start."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from boardside import flavour_or_skip, wait_for_agent
from machine import Answer, Machine
from runner import Result
from system_parts import buddywatch

RM_BYTES = 61440
FILE = "/tmp/file"
OLD_FLAVOURS = ["4k-2.6.30", "2.6.30"]  # 2.6.30's rule in 6.1, and 2.6.30 itself
# What the shell makes of a program for which there is no memory. The loader of 6.1 ends what it has begun to load, by
# SIGSEGV. That of 2.6.30 lets execve() fail on the stack of the shell, which has gone on meanwhile: "can't execute"
# (2), or an end by SIGILL.
NOT_STARTED = {128 + 11, 2, 128 + 4}


@dataclass
class Tried:
    """A board with memory in pieces, and what became of `rm` there."""

    nr_free: list[int]  # before
    rm: Answer
    file_is_there: bool
    kernel_log: str


def _is_there(board: Machine) -> bool:
    return board.console.run(f"[ -e {FILE} ]").status == 0


def _nr_free(board: Machine) -> list[int]:
    return [int(number) for number in board.console.run("cat /proc/buddyinfo").text.split()[4:]]


def _try_rm(board: Machine) -> Tried:
    wait_for_agent(board)
    board.console.run(f"echo text >{FILE}")
    board.console.run("shaper &")
    board.console.wait_for("shaped$")
    nr_free = _nr_free(board)
    return Tried(nr_free, board.console.run(f"rm {FILE}"), _is_there(board), board.console.kernel_log())


@pytest.fixture(scope="module", params=OLD_FLAVOURS)
def old_board(request: pytest.FixtureRequest, board_out: Path) -> Iterator[Machine]:
    """With the allocator's rule of 2.6.30."""
    with Machine(board_out, flavour_or_skip(board_out, request.param)) as board:
        yield board


@pytest.fixture(scope="module")
def old(old_board: Machine) -> Tried:
    return _try_rm(old_board)


@pytest.fixture(scope="module")
def explained(old: Tried, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """`buddywatch explain` of that board's own kernel log, as text and as JSON."""
    folder = tmp_path_factory.mktemp("explained")
    log, config = folder / "dmesg.txt", folder / "config.toml"
    log.write_text(old.kernel_log)
    config.touch()
    return tuple(buddywatch(folder / "none.db", config, "explain", *how, str(log)) for how in ([], ["--json"]))


def _has_one_block_of_64_kb(nr_free: list[int]) -> bool:
    return nr_free[4] == 1 and sum(nr_free[5:]) == 0


def test_rm_is_refused_beside_a_fitting_block(old: Tried) -> None:
    assert _has_one_block_of_64_kb(old.nr_free)
    assert sum(count << order for order, count in enumerate(old.nr_free)) * 4096 > 1 << 20
    assert old.rm.status in NOT_STARTED
    assert old.file_is_there
    assert f"Allocation of length {RM_BYTES} from process " in old.kernel_log


def test_explain_finds_the_reserve_in_the_boards_own_log(explained: tuple[Result, Result]) -> None:
    text, as_json = explained
    (failure,) = as_json.json["failures"]
    assert text.code == as_json.code == 1
    assert (failure["process"], failure["requested_bytes"], failure["order"]) == ("rm", RM_BYTES, 4)
    assert (failure["verdict"], failure["reason"]) == ("refused", "reserve")
    assert as_json.json["kernel"]["rule"] == "old"
    (state,) = as_json.json["states"]
    assert _has_one_block_of_64_kb(state["nr_free"])
    words = " ".join(text.out.split())
    assert "A free block of 64 kB exists, but after taking it too few pages would stay free" in words


def test_advice_of_explain_helps(old: Tried, old_board: Machine, explained: tuple[Result, Result]) -> None:
    """It says to which value min_free_kbytes has to be lowered: then the very same request passes."""
    (failure,) = explained[1].json["failures"]
    (kilobytes,) = [remedy["value_kb"] for remedy in failure["remedies"] if remedy["what"] == "min_free_kbytes"]
    assert _has_one_block_of_64_kb(_nr_free(old_board))
    old_board.console.run(f"echo {kilobytes + 4} >/proc/sys/vm/min_free_kbytes")
    assert old_board.console.run(f"rm {FILE}").status in NOT_STARTED
    old_board.console.run(f"echo {kilobytes} >/proc/sys/vm/min_free_kbytes")
    assert old_board.console.run(f"rm {FILE}") == Answer("", 0)
    assert not _is_there(old_board)


@pytest.mark.parametrize("old_board", ["4k-2.6.30"], indirect=True)
def test_rm_runs_by_the_rule_of_today(board_out: Path, old: Tried) -> None:
    with Machine(board_out, "4k") as board:
        new = _try_rm(board)
    assert _has_one_block_of_64_kb(new.nr_free)
    assert abs(sum(new.nr_free[:4]) - sum(old.nr_free[:4])) < 20
    assert new.rm == Answer("", 0)
    assert not new.file_is_there
    assert not re.search(r"Allocation of length", new.kernel_log)
