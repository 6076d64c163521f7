"""A hung agent on a board with the kernel's softdog: it is reset, and the minutes before are there after it.

QEMU's board has no reset controller: where the kernel has it reset, it is switched off and on here, with its RAM as it
was. The black box lies on JFFS2 in a part of the RAM that the kernel does not use, in place of flash.
"""

import re
import time
from contextlib import suppress
from pathlib import Path

from boardside import Visitor, flavour_or_skip, restart_agent
from buddyd import wire
from machine import DEADLINE_S, Machine

FLAVOUR = "4k-watchdog"  # made by `make board KERNELS=4k-watchdog`
FLASH = "/tmp/flash"
RAM_USED_BYTES, FLASH_BYTES = 0x7C0000, 0x40000  # CONFIG_RAMSIZE and phram= of that kernel
OPTIONS = f"--watchdog /dev/watchdog --blackbox {FLASH}/box"
CHILDREN_MAX = 90
POLLS = 4  # what the kernel's log holds from before the first two is no news


def with_flash(board: Machine) -> None:
    assert not board.console.run(f"mkdir {FLASH}; mount -t jffs2 mtd1 {FLASH}").status
    restart_agent(board, 1, OPTIONS)


def fail_a_start(board: Machine) -> None:
    """Have the kernel refuse a program its memory."""
    for _ in range(CHILDREN_MAX):
        board.console.run("start-400k x &")
        if "Allocation of length" in board.console.text:
            return
    raise AssertionError("the kernel refuses nothing")


def hang(board: Machine) -> None:
    """Stop the agent where it is, and wait until the kernel has the board reset."""
    pid = re.search(r"^ *(\d+) .*/bin/buddyd", board.console.run("ps").text, re.MULTILINE)
    assert pid is not None
    board.console.run(f"kill -STOP {pid[1]}")
    board.console.wait_for("softdog: Initiating system reboot")


def facts_of(board: Machine) -> dict[str, str]:
    """The hello of the agent with the watchdog, after some polls; the one of the boot script may still be ending."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        with suppress(ConnectionError), Visitor(board) as visitor:
            while int((facts := visitor.ask_hello())["next"]) <= POLLS:
                time.sleep(0.2)
            if "watchdog" in facts:
                return facts
        time.sleep(0.2)
    raise AssertionError(f"no agent with {OPTIONS} answers")


def test_hung_agent_resets_the_board_and_the_minutes_before_are_kept(board_out: Path, tmp_path: Path) -> None:
    flavour = flavour_or_skip(board_out, FLAVOUR)
    ram = tmp_path / "ram"
    ram.write_bytes(bytes(RAM_USED_BYTES) + b"\xff" * FLASH_BYTES)  # erased
    with Machine(board_out, flavour, ram=ram) as board:
        with_flash(board)
        facts = facts_of(board)
        assert (facts["watchdog"], facts["blackbox"]) == ("15", "-")
        fail_a_start(board)
        while "box" not in board.console.run(f"ls {FLASH}").text.split():
            time.sleep(0.2)
        hang(board)
    with Machine(board_out, flavour, ram=ram) as board:
        with_flash(board)
        boot, *numbers = facts_of(board)["blackbox"].split("/")
        first, following = map(int, numbers)
        assert boot == facts["boot"] and following > first
        with Visitor(board) as visitor:
            kinds = {line[1:2] for line in visitor.frames_of(boot, first, following - first)}
        assert wire.KEY in kinds and wire.EVENT in kinds
        print(f"{flavour}: reset by the watchdog; frames {first} to {following - 1} of the boot before are there")
