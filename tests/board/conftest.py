"""For the tests on the emulated board: they need what `make board` builds."""

import os
import shutil
from pathlib import Path

import pytest
from machine import QEMU, MachineError, artefacts
from truth import FLAVOURS, OUT


def needed(complaint: str) -> None:
    """Skip the test; fail where BUDDYWATCH_BOARD=required says that a board has to be there."""
    if os.environ.get("BUDDYWATCH_BOARD") == "required":
        pytest.fail(f"BUDDYWATCH_BOARD=required: {complaint}", pytrace=False)
    pytest.skip(complaint)


@pytest.fixture(scope="session")
def board_out() -> Path:
    """The folder with kernels and ROM."""
    if shutil.which(QEMU) is None:
        needed(f"no {QEMU}; install the package qemu-system-misc")
    for flavour in FLAVOURS:
        try:
            artefacts(OUT, flavour, "flat")
        except MachineError as error:
            needed(str(error))
    return OUT
