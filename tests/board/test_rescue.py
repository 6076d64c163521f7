"""The agent's own commands where they are needed: on a board on which the kernel refuses to start rm."""

from pathlib import Path

import board_rescue
import pytest
from boardside import flavour_or_skip


@pytest.mark.parametrize("flavour", ["4k-2.6.30", "4k", "2.6.30"])
def test_board_on_which_rm_does_not_start_is_rescued(board_out: Path, flavour: str, tmp_path: Path) -> None:
    told: list[str] = []
    board_rescue.rescue(board_out, flavour_or_skip(board_out, flavour), tmp_path, told.append)
    print("\n".join(told))
    for what in ("the agent removed the file", "ps names those that were left behind", "rm starts again"):
        assert f"  {what}" in told
