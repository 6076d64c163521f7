"""The command line of the experiments. A run that is in the file of results already is not played again."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from scripts import rig
from scripts.board_experiments import results
from scripts.board_experiments.measures import BY_NAME, MEASURES, control_of
from scripts.board_experiments.play import Outcome, machine, play

FLAVOURS = ("2.6.30", "4k", "4k-2.6.30", "8k")
RESULTS = rig.TOP / "build" / "board-experiments.jsonl"


def main() -> int:
    options = _options()
    measures = [BY_NAME[name] for name in options.measures.split(",")]
    measures += [control_of(measure) for measure in measures if measure in MEASURES] if options.controls else []
    flavours = [flavour for flavour in options.flavours.split(",") if _is_built(options.board, flavour)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the board of the run is switched off
    done = _played(options.results)
    asked = []
    for seed in range(1, options.seeds + 1):
        for measure in measures:
            for flavour in flavours:
                run = done.get((flavour, measure.name, seed))
                if run is None and options.show:
                    continue
                if run is None:
                    run = play(options.board, flavour, measure, seed, options.steps)
                    _keep(options.results, run)
                asked.append(run)
    print("\n".join([*results.table(asked), "", *results.picture(asked, options.steps)]))
    if options.curves:
        for flavour in flavours:
            runs = [run for run in asked if run.seed == 1 and run.flavour == flavour]
            print("\n".join(["", f"kernel {flavour}: {results.curves(runs)[0]}", *results.curves(runs)[1:]]))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="board-experiments", description=__doc__)
    parser.add_argument("--flavours", default=",".join(FLAVOURS), help="kernels; one that was not built is left out")
    names = ",".join(measure.name for measure in MEASURES)
    parser.add_argument("--measures", default=names, help=f"of {', '.join(BY_NAME)}")
    parser.add_argument("--controls", action="store_true", help="play each measure also where it should not matter")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600, help="the most of a run")
    parser.add_argument("--board", type=Path, default=rig.TOP / "build" / "board")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="play nothing: print the runs that there are")
    parser.add_argument("--curves", action="store_true", help="print the runs of the first seed side by side")
    options = parser.parse_args()
    unknown = [name for name in options.measures.split(",") if name not in BY_NAME]
    if unknown:
        parser.error(f"no measure {unknown[0]}; known: {', '.join(BY_NAME)}")
    return options


def _is_built(board: Path, flavour: str) -> bool:
    try:
        machine.artefacts(board, flavour, "flat")
    except machine.MachineError as error:
        print(f"board-experiments: {error}", file=sys.stderr)
        return False
    return True


def _played(path: Path) -> dict[tuple[str, str, int], Outcome]:
    lines = path.read_text().splitlines() if path.exists() else []
    runs = [results.from_line(line) for line in lines]
    return {(run.flavour, run.measure, run.seed): run for run in runs}


def _keep(path: Path, outcome: Outcome) -> None:
    end = f"refused at step {outcome.first_refused}" if outcome.first_refused else f"none of {outcome.steps} refused"
    print(
        f"{outcome.flavour} {outcome.measure} seed {outcome.seed}: {end} {outcome.ended}", file=sys.stderr, flush=True
    )
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(results.to_line(outcome) + "\n")


if __name__ == "__main__":
    sys.exit(main())
