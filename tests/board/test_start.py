"""start-buddyd on the board: it starts the agent where there is room, and else waits without starting a program."""

import re

import pytest
from boardside import flavour_or_skip, let_pass, read_file, wait_for_agent
from machine import Machine
from truth import BOARD, FLAVOURS

TWO = ["4k", "2.6.30"] if BOARD == "mcf5208" else FLAVOURS[:1]
FORMS = [(flavour, "flat") for flavour in TWO] + ([("4k", "elf")] if BOARD == "mcf5208" else [])


@pytest.mark.parametrize(("flavour", "form"), FORMS)
def test_board_boots_with_the_agent_in_each_form_of_programs(board_out, flavour, form):
    with Machine(board_out, flavour_or_skip(board_out, flavour), form) as board:
        wait_for_agent(board)
        assert "buddyd" in names_of_processes(board)


@pytest.mark.parametrize("flavour", TWO)
def test_start_waits_in_the_shell_while_memory_is_in_pieces(board_out, flavour):
    with Machine(board_out, flavour_or_skip(board_out, flavour), skips_idle=True) as board:
        wait_for_agent(board)
        # No board of 16 MB or less has a free piece of 8 MB: so it waits for ever.
        board.console.run("/sbin/start-buddyd 8192 --stdout &")
        reported = board.console.wait_for(r"not started: only (\d+) of (\d+) kB free memory are in blocks of 8192 kB")
        free_kb = int(re.search(r"MemFree: +(\d+)", read_file(board, "/proc/meminfo"))[1])
        assert abs(int(reported[2]) - free_kb) < 200 and int(reported[1]) == 0
        threads, before = kernel_threads(board), processes(board)
        assert threads
        let_pass(board, 300)
        # Only the kernel's own: it makes another kworker when all it has are busy.
        assert processes(board) - before == len(kernel_threads(board) - threads)
        assert board.console.text.count("buddyd: not started") == 1
        assert names_of_processes(board).count("start-buddyd") == 1


@pytest.mark.parametrize("flavour", TWO)
def test_start_that_fails_at_once_is_tried_again_but_not_for_ever(board_out, flavour):
    with Machine(board_out, flavour_or_skip(board_out, flavour), skips_idle=True) as board:
        wait_for_agent(board)
        # hush's `wait` gives 0 for what ended before, so a wrong option is the same to the script as a refused start.
        tried = board.console.run("/sbin/start-buddyd 4 --nonsense")
        assert tried.text.count("buddyd: unknown option --nonsense") == 5
        assert tried.text.count("trying again in a minute") == 4
        assert (tried.status, "not started again" in tried.text) == (2, True)


def names_of_processes(board: Machine) -> list[str]:
    return [name for _, name, _ in stats_of_processes(board)]


def kernel_threads(board: Machine) -> set[str]:
    """Their numbers: all of them are children of kthreadd, which is process 2."""
    return {pid for pid, _, parent in stats_of_processes(board) if parent == "2"}


def stats_of_processes(board: Machine) -> list[tuple[str, str, str]]:
    """(number, name, the parent's number) of each.

    By words of the shell: an ELF BusyBox takes 344 kB in one piece for each command, and soon none is left. From stat,
    which 2.6.30 has; comm came with 2.6.33."""
    stats = board.console.run("for p in /proc/[0-9]*/stat; do read -r line <$p; echo $line; done").text
    return re.findall(r"^(\d+) \((.*)\) \w (\d+) ", stats, re.MULTILINE)


def processes(board: Machine) -> int:
    return int(re.search(r"processes (\d+)", read_file(board, "/proc/stat"))[1])
