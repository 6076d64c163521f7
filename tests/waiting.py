"""Waiting for a condition instead of for time to pass: as long as a machine under load may need, and no longer."""

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 120.0  # only a test that fails waits this long; 60 s were too few with seven others on two cores
LOOK_S = 0.01  # between two looks at a condition

Value = TypeVar("Value")


def look_again_soon() -> None:
    time.sleep(LOOK_S)


def wait_for(
    condition: Callable[[], Value],
    what: str | Callable[[], str],
    between: Callable[[], object] = look_again_soon,
    deadline_s: float = DEADLINE_S,
) -> Value:
    """The first true value of condition; AssertionError with `what` if there is none by the deadline.

    between: what is done between two looks, such as a turn of a loop that waits for its descriptors.
    """
    end_s = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() >= end_s:
            raise AssertionError(f"waited {deadline_s:.0f} s for {what if isinstance(what, str) else what()}")
        between()
    return value
