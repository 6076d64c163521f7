"""`make forecast-score`: how early each kind of forecast warns, how often falsely, and whether its interval holds.

Histories come from a model of a buddy allocator (BOARDS of each class of workload) and from the recorded traces of
tests/fixtures/traces. A warning is what the rule refused_within makes of a forecast; a snapshot is taken once a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "host"), str(ROOT / "agent")]

from scripts.forecast.forecasters import FORECASTERS  # noqa: E402
from scripts.forecast.histories import History, modelled, recorded  # noqa: E402
from scripts.forecast.warning import Score, score  # noqa: E402
from scripts.forecast.workloads import CLASSES  # noqa: E402

NAME_WIDTH = 22
TRACES = ROOT / "tests" / "fixtures" / "traces"
COLUMNS = {
    "boards": 6, "refused": 7, "missed": 6, "short": 5, "lead": 6, "of run": 6, "in vain/week": 12, "early": 5,
    "within": 6, "late": 5,
}  # fmt: skip
HEAD = " " * NAME_WIDTH + "".join(f" {name:>{width}}" for name, width in COLUMNS.items())


def one(case: tuple[str, int]) -> tuple[str, dict[str, Score]]:
    """All forecasters on one history. case: class and seed, or "recorded" and the number of a trace."""
    kind, seed = case
    history: History = recorded(sorted(TRACES.glob("*.tsv"))[seed]) if kind == "recorded" else modelled(kind, seed)
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
    tenths = totals["buddywatch"].tenths
    shares = " ".join(f"{count / max(sum(tenths), 1):.0%}" for count in tenths)
    return [*lines, f"refused in each tenth of buddywatch's forecast (10% each would be exact): {shares}"]


def _row(name: str, result: Score) -> str:
    warned, looks = max(result.refused - result.missed, 1), result.looks
    cells = [str(number) for number in (result.boards, result.refused, result.missed, result.short)]
    cells += [
        f"{result.lead / warned:.0f}",
        f"{result.lead_share / warned:.0%}",
        f"{result.in_vain / result.weeks:.2f}",
    ]
    if looks:
        cells += [f"{n / looks:.0%}" for n in (result.early, looks - result.early - result.late, result.late)]
    return f"{name:{NAME_WIDTH}}" + "".join(
        f" {cell:>{width}}" for cell, width in zip(cells, COLUMNS.values(), strict=False)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=40, metavar="N", help="of each class (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N", help="(default: %(default)s)")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.boards)
    cases = [(kind, seed) for kind in CLASSES for seed in seeds]
    cases += [("recorded", number) for number, _ in enumerate(sorted(TRACES.glob("*.tsv")))]
    with ProcessPoolExecutor() as pool:
        print(*table(pool.map(one, cases, chunksize=4)), sep="\n")


if __name__ == "__main__":
    main()
