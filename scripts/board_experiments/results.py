"""All runs as a table and a picture: steps to the first refused start, with their spread. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from statistics import median

from scripts.board_experiments.measures import BY_NAME
from scripts.board_experiments.play import AFTER_STEPS, Outcome

WIDTH = 40  # of the picture
KERNELS = {
    "4k": "6.1, 4 kB pages",
    "4k-2.6.30": "6.1 with 2.6.30's rule",
    "4k-slab": "6.1 with SLAB",
    "4k-slub": "6.1 with SLUB",
    "4k-slub-order-0": "6.1 with SLUB, `slub_max_order=0`",
    "8k": "6.1, 8 kB pages",
}
BARS = "▁▂▃▄▅▆▇█"


def to_line(outcome: Outcome) -> str:
    return json.dumps(asdict(outcome))


def from_line(line: str) -> Outcome:
    values = json.loads(line)
    return Outcome(**{**values, "curve": [tuple(point) for point in values["curve"]]})


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Markdown: one row for each kernel and measure."""
    lines = [
        f"| kernel | measure | runs | first refused start, at step | free then | refused of the next {AFTER_STEPS} |",
        "|---|---|---|---|---|---|",
    ]
    for (flavour, name), runs in _groups(outcomes).items():
        what = BY_NAME[name].what
        refused = sorted(run.first_refused for run in runs if run.first_refused is not None)
        shown = f"median {median(refused):.0f} ({refused[0]} to {refused[-1]})" if refused else "none"
        if len(refused) < len(runs):
            never = min(run.steps for run in runs if run.first_refused is None)
            shown = f"none of {never}" if not refused else f"{shown}; {len(runs) - len(refused)} runs: none of {never}"
        free = f"{min(run.free_kb for run in runs)} to {max(run.free_kb for run in runs)} kB"
        after = [run.after for run in runs if run.after is not None]
        refused_after = f"{median(after):.0f}" if after else "-"
        kernel = KERNELS.get(flavour, flavour)
        lines.append(f"| {kernel} | {what} | {len(runs)} | {shown} | {free} | {refused_after} |")
    return lines


def picture(outcomes: Iterable[Outcome], steps_max: int) -> list[str]:
    """A line for each kernel and measure: from the earliest to the latest first refusal, o is the median."""
    lines = []
    for (flavour, name), runs in _groups(outcomes).items():
        ends = sorted(run.first_refused or steps_max for run in runs)
        first, middle, last = (
            min(WIDTH - 1, round(at * (WIDTH - 1) / steps_max)) for at in (ends[0], median(ends), ends[-1])
        )
        cells = [" "] * WIDTH
        cells[first : last + 1] = "-" * (last + 1 - first)
        cells[middle] = "o"
        never = all(run.first_refused is None for run in runs)
        lines.append(f"{flavour:15} {name:20} |{''.join(cells)}|{' never refused' if never else ''}")
    return [*lines, f"{'':37} 0{'steps':^{WIDTH - 2}}{steps_max}"]


def curves(outcomes: Iterable[Outcome]) -> list[str]:
    """Side by side: what was in blocks of 64 kB or larger, over the steps of each run."""
    chosen = list(outcomes)
    most = max((large for run in chosen for _, _, large in run.curve), default=1) or 1
    lines = [f"kB in blocks of 64 kB or larger, a column each 10 steps; the highest is {most} kB"]
    for run in chosen:
        bars = "".join(BARS[min(len(BARS) - 1, large * len(BARS) // most)] for _, _, large in run.curve)
        end = f"refused at step {run.first_refused}" if run.first_refused else f"none of {run.steps} refused"
        lines.append(f"{run.measure:20} {bars}  {end}")
    return lines


def _groups(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    groups: dict[tuple[str, str], list[Outcome]] = {}
    order = list(BY_NAME)
    for run in sorted(outcomes, key=lambda run: (run.flavour, order.index(run.measure), run.seed)):
        groups.setdefault((run.flavour, run.measure), []).append(run)
    return groups
