"""For the tests on the emulated board: they need what `make board` builds."""

import os
import shutil
from pathlib import Path

import pytest
from machine import QEMU, MachineError, artefacts
from truth import FLAVOURS_BUILT, OUT


def needed(complaint: str) -> None:
    """Skip the test; fail where BUDDYWATCH_BOARD=required says that a board has to be there."""
    if os.environ.get("BUDDYWATCH_BOARD") == "required":
        pytest.fail(f"BUDDYWATCH_BOARD=required: {complaint}", pytrace=False)
    pytest.skip(complaint)


@pytest.fixture(scope="session")
def board_out() -> Path:
    """The folder with ROM and kernels, perhaps without the one of which `make board` must be given the source."""
    if shutil.which(QEMU) is None:
        needed(f"no {QEMU}; install the package qemu-system-misc")
    for flavour in FLAVOURS_BUILT:
        try:
            artefacts(OUT, flavour, "flat")
        except MachineError as error:
            needed(str(error))
    return OUT
