"""The measures of docs/prevention.md: each changes one thing of the board or of what it does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scripts.board_experiments.workload import LOGS, Habits

_TRIM = "/proc/sys/vm/nr_trim_pages"
_MIN_FREE = "/proc/sys/vm/min_free_kbytes"
_TAKEN = "; ".join(["start-400k x & :"] * 6)
_FILLED = {"40k": "64k", "60k": "64k", "100k": "128k"}
_STAYING = "; ".join(f"start-{size} x & :" for size in ("40k", "60k", "100k") * 3)
_LAID_OUT = "; ".join(f"truncate -s 64k /tmp/log{number}" for number in range(LOGS))
NO_SESSIONS, LOGINS, HELD = "", "logins", "held"
LATE_STEP = 40  # what is started late is started after so many steps


@dataclass(frozen=True)
class Measure:
    """at_boot: typed before the first step. late: typed after LATE_STEP steps. when_refused: typed after the first
    refused start; then `after` counts how many of the next steps are refused. is_nofork: with the shell that runs small
    commands itself. sessions: over telnet, see sessions.py. against: the measure that it is to be compared with."""

    name: str
    what: str
    at_boot: str = ""
    late: str = ""
    when_refused: str = ""
    habits: Habits = field(default_factory=Habits)
    is_nofork: bool = False
    sessions: str = NO_SESSIONS
    against: str = "default"


def _trims(pages: int) -> tuple[Measure, Measure]:
    line, name = f"echo {pages} >{_TRIM}", f"vm.nr_trim_pages={pages}"
    return (
        Measure(f"trim-{pages}", f"{name} at boot", line),
        Measure(f"trim-{pages}-late", f"{name} after the first refusal", when_refused=line),
    )


MEASURES = (
    Measure("default", "nothing changed (vm.nr_trim_pages is 1)"),
    *_trims(0),
    *_trims(2),
    *_trims(8),
    Measure("filled", "programs whose stack fills their block", habits=Habits(programs=_FILLED)),
    Measure("resident", "programs that stay instead of being started", _STAYING, habits=Habits(is_resident=True)),
    Measure("rm", "files removed by the program `rm`", habits=Habits(removal="rm")),
    Measure(
        "unlink",
        "files removed by the shell's own `unlink`",
        habits=Habits(removal="unlink"),
        is_nofork=True,
        against="rm",
    ),
    Measure("logs", "logs laid out by `truncate` at boot", _LAID_OUT, habits=Habits(has_logs=True), is_nofork=True),
    Measure("logins", "a telnet login each 5 steps", sessions=LOGINS),
    Measure("held", "one telnet session, and a command each 5 steps", sessions=HELD, against="logins"),
    Measure("first", "nine more programs that stay, started at boot", _STAYING),
    Measure("last", f"the same, started after {LATE_STEP} steps", late=_STAYING, against="first"),
    Measure("apart", "files written while no program runs", habits=Habits(is_apart=True)),
    Measure("new-names", "a new name for each file", habits=Habits(has_new_names=True)),
    Measure("min-half", "vm.min_free_kbytes halved", f"read -r m <{_MIN_FREE}; echo $((m/2)) >{_MIN_FREE}"),
    Measure("min-double", "vm.min_free_kbytes doubled", f"read -r m <{_MIN_FREE}; echo $((m*2)) >{_MIN_FREE}"),
    Measure("short", "2.4 MB taken by programs at boot", _TAKEN),
    Measure(
        "short-trim-0", "the same, and vm.nr_trim_pages=0 behind them", f"{_TAKEN}; echo 0 >{_TRIM}", against="short"
    ),
    Measure(
        "ballast",
        "a ballast of 128 kB, ended at the first refusal",
        "start-120k x & B=$!",
        when_refused="kill $B; wait $B",
    ),
)


def control_of(measure: Measure) -> Measure:
    """The same where nothing tears memory: there the measure should not matter. What changes the trimming is played
    with files that are written while no program runs, everything else with the trimming off."""
    name = f"{measure.name}-control"
    if _TRIM in measure.at_boot + measure.when_refused:
        what = f"control: {measure.what}, files written while no program runs"
        return replace(measure, name=name, what=what, habits=replace(measure.habits, is_apart=True))
    # Behind what the measure types, as in a boot script.
    at_boot = "; ".join(filter(None, (measure.at_boot, f"echo 0 >{_TRIM}")))
    return replace(measure, name=name, what=f"control: {measure.what}, vm.nr_trim_pages=0", at_boot=at_boot)


BY_NAME = {one.name: one for measure in MEASURES for one in (measure, control_of(measure))}
