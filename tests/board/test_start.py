"""start-buddyd on the board: it starts the agent where there is room, and else waits without starting a program."""

import re

import pytest
from boardside import let_pass, wait_for_agent
from machine import Machine


@pytest.mark.parametrize("form", ["flat", "elf"])
def test_board_boots_with_the_agent_in_both_forms_of_programs(board_out, form):
    with Machine(board_out, "4k", form) as board:
        wait_for_agent(board)
        assert "buddyd" in names_of_processes(board)


def test_start_waits_in_the_shell_while_memory_is_in_pieces(board_out):
    with Machine(board_out, "4k", skips_idle=True) as board:
        wait_for_agent(board)
        # No board of 8 MB has two pieces of 4 MB: so it waits for ever.
        board.console.run("/sbin/start-buddyd 4096 --stdout &")
        told = board.console.wait_for(r"not started: of (\d+) kB of free memory (\d+) kB lie in pieces of 4096 kB")
        free_kb = int(re.search(r"MemFree: +(\d+)", board.console.run("cat /proc/meminfo").text)[1])
        assert abs(int(told[1]) - free_kb) < 200 and int(told[2]) == 0
        before = processes(board)
        between = looks_until(board, 300)
        assert processes(board) - before == between + 1  # our own looks at the clock, and this one
        assert board.console.text.count("buddyd: not started") == 1
        assert board.console.run("ps").text.count("/sbin/start-buddyd") == 1


def names_of_processes(board: Machine) -> list[str]:
    """By words of the shell: an ELF BusyBox takes 344 kB in one piece for each command, and soon none is left."""
    return board.console.run("for p in /proc/[0-9]*/comm; do read -r name <$p; echo $name; done").text.split()


def processes(board: Machine) -> int:
    return int(re.search(r"processes (\d+)", board.console.run("cat /proc/stat").text)[1])


def looks_until(board: Machine, seconds: float) -> int:
    """Let so much time pass on the board; how many commands that took."""
    commands = []
    run = board.console.run
    board.console.run = lambda command: commands.append(command) or run(command)
    try:
        let_pass(board, seconds)
    finally:
        del board.console.run
    return len(commands)
