"""The experiments of docs/prevention.md: their workload, and how results are shown. Playing needs the board."""

import re
from dataclasses import replace
from itertools import islice

import docs_pages

from scripts.board_experiments import results
from scripts.board_experiments.measures import BY_NAME, MEASURES
from scripts.board_experiments.play import Outcome, machine
from scripts.board_experiments.workload import FILES_MAX, Habits, Workload

KNOWN = r"start-\w+ x & P\d+=\$!|echo y >/tmp/\d+|: >/tmp/\d+|kill \$P\d+|wait \$P\d+|:"
PROGRAMS = (docs_pages.TOP / "agent/board/probe/programs").read_text()


def lines_of(seed, habits=Habits(), steps=300):  # noqa: B008 - frozen
    return list(islice(Workload(seed, habits).steps(), steps))


def test_workload_is_the_same_for_a_seed_and_starts_nothing_but_its_programs():
    assert lines_of(1) == lines_of(1) != lines_of(2)
    for step in lines_of(3):
        for line in step:
            for command in line.split("; "):
                assert re.fullmatch(KNOWN, command)
                assert len(command) < machine.COMMAND_MAX_CHARS - 80


def test_every_program_that_is_started_ends_and_files_are_emptied():
    text = "; ".join(line for step in lines_of(1, steps=600) for line in step)
    started, ended = len(re.findall(r"start-", text)), len(re.findall(r"kill ", text))
    assert started == 600 and started - 12 <= ended <= started
    written, emptied = len(re.findall(r"echo y", text)), len(re.findall(r": >", text))
    assert 0 < written - emptied < FILES_MAX
    names = set(re.findall(r"echo y >(\S+)", text))
    assert len(names) < written / 2
    new = "; ".join(line for step in lines_of(1, Habits(has_new_names=True)) for line in step)
    assert len(set(re.findall(r"echo y >(\S+)", new))) == len(re.findall(r"echo y", new))


def test_programs_of_the_measures_are_on_the_board():
    names = set(re.findall(r"^(start-\w+)", PROGRAMS, re.MULTILINE))
    for measure in MEASURES:
        text = "; ".join(line for step in lines_of(1, measure.habits, 60) for line in step)
        used = set(re.findall(r"start-\w+", f"{text} {measure.at_boot}"))
        assert used and used <= names


def test_files_that_are_written_apart_are_written_while_no_program_runs():
    running = 0
    for step in lines_of(1, Habits(is_apart=True)):
        for line in step:
            running += line.count("start-") - line.count("kill ")
            assert not (running and "echo y" in line)


RUNS = [
    Outcome("4k", "default", seed, 190, 140 + seed, 4000 + seed, 50, "", [(10, 5000, 4000), (140, 4100, 64)])
    for seed in (1, 2, 3)
] + [Outcome("4k", "trim-0", seed, 600, None, 4200, None, "", [(10, 5000, 4000), (600, 4500, 3400)]) for seed in (1, 2)]


def test_table_has_the_spread_and_what_was_never_refused():
    lines = results.table(RUNS)
    assert lines[2] == f"| 4k | {BY_NAME['default'].what} | 3 | median 142 (141 to 143) | 4001 to 4003 kB | 50 |"
    assert lines[3] == f"| 4k | {BY_NAME['trim-0'].what} | 2 | none of 600 | 4200 to 4200 kB | - |"
    mixed = results.table([*RUNS[3:], replace(RUNS[0], measure="trim-0", seed=3)])
    assert "median 141 (141 to 141); 2 runs: none of 600" in mixed[2]


def test_picture_and_curves_show_first_refusals():
    default, trimmed, scale = results.picture(RUNS, 600)
    assert default.index("o") == default.index("|") + 1 + round(142 * 39 / 600)
    assert trimmed.endswith("o| never refused") and scale.endswith("600")
    head, first, last = results.curves([RUNS[0], RUNS[3]])
    assert "highest is 4000 kB" in head
    assert first.split() == ["default", "█▁", "refused", "at", "step", "141"]
    assert last.split()[:2] == ["trim-0", "█▇"]


def test_runs_are_read_back():
    assert [results.from_line(results.to_line(run)) for run in RUNS] == RUNS
