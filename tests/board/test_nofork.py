"""The shell that runs small commands itself: it removes a file, and lays one out in one block, without a start."""

from pathlib import Path

import pytest
from boardside import flavour_or_skip, wait_for_agent
from machine import Machine

from scripts.board_experiments.play import change_shell

FLAVOURS = ("4k", "2.6.30")
# Built-in words only: a program that looks would be a start.
SHOW = 'show() { exec 3<$1; while read -r l <&3; do case $l in $2*) echo "$l";; esac; done; exec 3<&-; }'
LOG_ORDER = 4  # 64 kB
TIMES = 10


def created(board: Machine) -> int:
    return int(board.console.run("show /proc/stat processes").text.split()[1])


def in_blocks(board: Machine, order: int) -> int:
    """Free pages in blocks of that order or larger."""
    counts = [int(count) for count in board.console.run("show /proc/buddyinfo Node").text.split()[4:]]
    return sum(count << at for at, count in enumerate(counts) if at >= order)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_shell_removes_and_lays_out_files_without_a_start(board_out: Path, flavour: str) -> None:
    with Machine(board_out, flavour_or_skip(board_out, flavour)) as board:
        wait_for_agent(board)
        change_shell(board)
        board.console.run(SHOW)
        board.console.run("echo x >/tmp/f")
        before = created(board)
        for _ in range(TIMES):
            assert board.console.run("echo x >/tmp/f; unlink /tmp/f; [ ! -e /tmp/f ]").status == 0
        free = in_blocks(board, LOG_ORDER)
        assert board.console.run("truncate -s 64k /tmp/log").status == 0
        assert in_blocks(board, LOG_ORDER) == free - (1 << LOG_ORDER)
        assert board.console.run("echo a line 1<>/tmp/log").status == 0
        assert in_blocks(board, LOG_ORDER) == free - (1 << LOG_ORDER)
        assert created(board) < before + TIMES, "a start each time, and not a thread of the kernel's"
        before = created(board)
        for _ in range(TIMES):
            assert board.console.run("ls /bin >/dev/null").status == 0
        assert created(board) >= before + TIMES
