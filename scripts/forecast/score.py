"""`make forecast-score`: how early each kind of forecast warns, how often falsely, and whether its interval holds.

Histories come from a model of a buddy allocator (BOARDS of each class of workload) and from the recorded traces of
tests/fixtures/traces. A warning is what the rule refused_within makes of a forecast; a snapshot is taken once a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "host"), str(ROOT / "agent")]

from scripts.forecast.forecasters import FORECASTERS  # noqa: E402
from scripts.forecast.histories import History, modelled, recorded, slowed  # noqa: E402
from scripts.forecast.warning import Score, score  # noqa: E402
from scripts.forecast.workloads import CLASSES  # noqa: E402

NAME_WIDTH = 22
TRACES = ROOT / "tests" / "fixtures" / "traces"
RECORDINGS: dict[str, Callable[[Path], History]] = {
    "recorded": recorded,
    "slowed 8 times": lambda path: slowed(path, 8),
}
COLUMNS = {
    "boards": 6, "refused": 7, "missed": 6, "short": 5, "lead": 5, "median": 6, "of run": 6, "in vain/week": 12,
    "early": 5, "within": 6, "late": 5,
}  # fmt: skip
TENTHS = "tenth of the forecast"
TENTHS_HEAD = f"{TENTHS:{NAME_WIDTH}}" + "".join(f" {tenth:>4}" for tenth in range(1, 11)) + "   off"
HEAD = " " * NAME_WIDTH + "".join(f" {name:>{width}}" for name, width in COLUMNS.items())


Case = tuple[str, int | Path]  # class of work, and seed or trace


def cases(seeds: Iterable[int]) -> list[Case]:
    """The boards of the model, then each trace, as it was recorded and slowed down."""
    traces = sorted(TRACES.rglob("*.tsv*"))
    found: list[Case] = [(kind, seed) for kind in CLASSES for seed in seeds]
    return found + [(kind, path) for kind in RECORDINGS for path in traces]


def one(case: Case) -> tuple[str, dict[str, Score]]:
    """All forecasters on one history."""
    kind, which = case
    history = modelled(kind, which) if isinstance(which, int) else RECORDINGS[kind](which)
    return kind, {name: score(history, make()) for name, make in FORECASTERS.items()}


def table(results: Iterable[tuple[str, dict[str, Score]]]) -> list[str]:
    """The product's forecast class by class, then all classes for each forecaster."""
    kinds: dict[str, Score] = {}
    totals = {name: Score() for name in FORECASTERS}
    for kind, scores in results:
        kinds.setdefault(kind, Score()).add(scores["buddywatch"])
        for name, result in scores.items():
            totals[name].add(result)
    lines = [HEAD, *(_row(kind, result) for kind, result in kinds.items()), "all of them"]
    lines += [_row(name, result) for name, result in totals.items()]
    return [*lines, "", TENTHS_HEAD, *(_tenths_row(name, result) for name, result in totals.items())]


def _row(name: str, result: Score) -> str:
    refused, looks = max(result.refused, 1), result.looks
    cells = [str(number) for number in (result.boards, result.refused, result.missed, result.short)]
    cells += [
        f"{sum(result.leads) / refused:.0f}",
        f"{median(result.leads or [0]):.0f}",
        f"{result.lead_share / refused:.0%}",
        f"{result.in_vain / result.weeks:.2f}",
    ]
    if looks:
        cells += [f"{n / looks:.0%}" for n in (result.early, looks - result.early - result.late, result.late)]
    return f"{name:{NAME_WIDTH}}" + "".join(
        f" {cell:>{width}}" for cell, width in zip(cells, COLUMNS.values(), strict=False)
    )


def _tenths_row(name: str, result: Score) -> str:
    """How often the refusal came in each tenth of the forecast, and how far these shares are from 10 % on average."""
    if not result.looks:
        return f"{name:{NAME_WIDTH}} never says a time"
    shares = "".join(f" {count / result.looks:4.0%}" for count in result.tenths)
    return f"{name:{NAME_WIDTH}}{shares} {result.unevenness:5.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=40, metavar="N", help="of each class (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N", help="(default: %(default)s)")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.boards)
    with ProcessPoolExecutor() as pool:
        print(*table(pool.map(one, cases(seeds), chunksize=4)), sep="\n")


if __name__ == "__main__":
    main()
