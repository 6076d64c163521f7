"""The measures of docs/prevention.md: each changes one thing of the board or of what it does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.board_experiments.workload import Habits

_TRIM = "/proc/sys/vm/nr_trim_pages"
_MIN_FREE = "/proc/sys/vm/min_free_kbytes"
_TAKEN = "; ".join(["start-400k x & :"] * 6)
_FILLED = {"40k": "64k", "60k": "64k", "100k": "128k"}


@dataclass(frozen=True)
class Measure:
    """at_boot: typed before the first step. when_refused: typed after the first refused start; then `after` counts how
    many of the next steps are refused."""

    name: str
    what: str
    at_boot: str = ""
    when_refused: str = ""
    habits: Habits = field(default_factory=Habits)


MEASURES = (
    Measure("default", "nothing changed (vm.nr_trim_pages is 1)"),
    Measure("trim-0", "vm.nr_trim_pages=0 at boot", f"echo 0 >{_TRIM}"),
    Measure("trim-2", "vm.nr_trim_pages=2 at boot", f"echo 2 >{_TRIM}"),
    Measure("trim-8", "vm.nr_trim_pages=8 at boot", f"echo 8 >{_TRIM}"),
    Measure("trim-0-late", "vm.nr_trim_pages=0 after the first refusal", when_refused=f"echo 0 >{_TRIM}"),
    Measure("filled", "programs whose stack fills their block", habits=Habits(programs=_FILLED)),
    Measure("apart", "files written while no program runs (a control)", habits=Habits(is_apart=True)),
    Measure("new-names", "a new name for each file", habits=Habits(has_new_names=True)),
    Measure("min-half", "vm.min_free_kbytes halved", f"read -r m <{_MIN_FREE}; echo $((m/2)) >{_MIN_FREE}"),
    Measure("min-double", "vm.min_free_kbytes doubled", f"read -r m <{_MIN_FREE}; echo $((m*2)) >{_MIN_FREE}"),
    Measure("short", "2.4 MB taken by programs at boot", _TAKEN),
    Measure("short-trim-0", "the same, and vm.nr_trim_pages=0 behind them", f"{_TAKEN}; echo 0 >{_TRIM}"),
    Measure("ballast", "a ballast of 128 kB, ended at the first refusal", "start-120k x & B=$!", "kill $B; wait $B"),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
