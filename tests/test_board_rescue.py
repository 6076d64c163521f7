"""What the story of `make board-rescue` takes from a map: whose ends let rm start, or that nobody has to end."""

import board_rescue
import pytest


def answer(verdict: str, ends: list[int], children: int) -> dict[str, object]:
    programs = [{"pid": 1, "name": "sh"}, *({"pid": 22 + at, "name": board_rescue.CHILD} for at in range(children))]
    return {"needs": {"rm": {"verdict": verdict, "ends_together": ends}}, "programs": programs}


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        pytest.param(answer("refused", [22, 23], 71), [22, 23], id="two-must-end"),
        pytest.param(answer("refused", [], 71), None, id="refused-and-nobody-known"),
        pytest.param(answer("ok", [], 0), None, id="of-before-the-children"),
        pytest.param(answer("tight", [], 70), None, id="of-before-the-last-child"),
        # Seen with 2.6.30: soon after the refusal 472 kB were free, a block of 256 kB among them.
        pytest.param(answer("tight", [], 71), [], id="room-again-by-reclaim"),
    ],
)
def test_map_says_whose_ends_let_rm_start(told: dict[str, object], ends: list[int] | None) -> None:
    assert board_rescue.ends_by(told, 71) == ends
