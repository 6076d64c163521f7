"""For the tests on an emulated board, BOARD in the environment: they need what `make board` builds."""

import os
import shutil
from pathlib import Path

import pytest
from kind import DEFAULT, MachineError, artefacts
from truth import BOARD, FLAVOURS_BUILT, KIND, OUT

ON_EVERY_BOARD = {"test_boot.py", "test_start.py", "test_truth.py"}
WITH_PROGRAMS_IN_RAM = {"test_failure.py"}
ON_THE_COLDFIRE = {path.name for path in Path(__file__).parent.glob("test_*.py")} - WITH_PROGRAMS_IN_RAM
# The ColdFire's modules that are not for every board are about its kernels, its ROM and its 8 MB.
collect_ignore = [*(WITH_PROGRAMS_IN_RAM if BOARD == DEFAULT else ON_THE_COLDFIRE - ON_EVERY_BOARD)]


def needed(complaint: str) -> None:
    """Skip the test; fail where BUDDYWATCH_BOARD=required says that a board has to be there."""
    if os.environ.get("BUDDYWATCH_BOARD") == "required":
        pytest.fail(f"BUDDYWATCH_BOARD=required: {complaint}", pytrace=False)
    pytest.skip(complaint)


@pytest.fixture(scope="session")
def board_out() -> Path:
    """The folder with ROM and kernels, perhaps without the one of which `make board` must be given the source."""
    if shutil.which(KIND.qemu) is None:
        needed(f"no {KIND.qemu}; install the package {KIND.package}")
    for flavour in FLAVOURS_BUILT:
        try:
            artefacts(OUT, flavour, "flat")
        except MachineError as error:
            needed(str(error))
    return OUT
