"""The course of one board, in steps of time. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from buddywatch.fleet.engine import Course

STEPS_MAX = 10_000
_STEPS_S = (10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800)
_SHOWN = 60  # steps, if nothing else is asked for


@dataclass
class FleetStep:
    """The least values of a step that begins at `time`. needs: {need: {what: value}}."""

    time: float
    free_bytes: int | None = None
    serviceable_bytes: int | None = None
    needs: dict[str, dict[str, int]] = field(default_factory=dict)


def step_for(span_s: float) -> int:
    """So that about 60 steps or fewer are shown."""
    return next((step_s for step_s in _STEPS_S if span_s / step_s <= _SHOWN), math.ceil(span_s / _SHOWN))


def steps_of(courses: Iterable[tuple[str, Course]], step_s: float) -> list[FleetStep]:
    """courses: (what, course) with times at the ends of steps. Only steps with data, oldest first."""
    steps: dict[float, FleetStep] = {}
    for what, course in courses:
        need = course.labels.get("need")
        for end, value in course.points:
            if not math.isfinite(value):
                continue
            step = steps.setdefault(end, FleetStep(end - step_s))
            if need is None:
                setattr(step, what, round(value))
            else:
                step.needs.setdefault(need, {})[what] = round(value)
    return [steps[end] for end in sorted(steps)]


def gaps_of(steps: list[FleetStep], since: float, until: float, step_s: float) -> list[tuple[float, float]]:
    """(begin, end) of the times without any data."""
    found, at = [], since
    for step in steps:
        if step.time - at > step_s / 2:
            found.append((at, step.time))
        at = step.time + step_s
    if until - at > step_s / 2:
        found.append((at, until))
    return found
