"""The whole answer in words, for readers who do not know what an order is. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.answers import need_in
from buddywatch.explain.asides import aside_lines
from buddywatch.explain.case import Case, Explanation, Wanted
from buddywatch.explain.need_story import need_lines
from buddywatch.explain.state_words import state_lines
from buddywatch.explain.story import failure_lines, headline, remedy_lines
from buddywatch.kernel_text.state import State
from buddywatch.text.escape import counted, one_line, wrapped

_FULL_STORIES = 5  # of failures that differ; a log may have thousands
_FULL_STATES = 3
_LISTED = 20
_MMU_WORDS = {True: ", no MMU", False: "", None: ""}


def report_lines(explanation: Explanation) -> list[str]:
    groups = _groups(explanation.failures)
    lines = wrapped(_kernel_words(explanation), "")
    if len(groups) > 1 or len(explanation.failures) > 1:
        lines += ["", *_overview(groups)]
    for cases in groups[:_FULL_STORIES]:
        lines += ["", *failure_lines(cases[-1], len(cases) - 1)]
    states = _free_states(explanation)
    for need in explanation.needs if not explanation.states else []:
        lines += ["", *need_lines(need)]
    lines += _needs_overview(explanation) if len(states) > _FULL_STATES else []
    for state in states[-_FULL_STATES:]:
        lines += ["", *state_lines(state)]
        needs = [*_same_again(groups, state), *(need for need in explanation.needs if need.state is state)]
        lines += [line for need in needs for line in ("", *need_lines(need))]
        lines += next((told for need in needs if (told := remedy_lines(need))), [])  # much the same for all
    return lines + (["", *aside_lines(explanation.asides)] if explanation.asides else [])


def _kernel_words(explanation: Explanation) -> str:
    kernel = explanation.kernel
    name = f"Linux {one_line(kernel.release, 60)}" if kernel.release else "Linux, unknown release"
    page = f", pages of {explanation.page_bytes // 1024} kB" if explanation.page_bytes else ", page size unknown"
    counts = [
        counted(len(explanation.failures), "failure") if explanation.failures else "no failure",
        counted(len(explanation.states), "state") + " of free memory",
    ]
    return f"{name}{_MMU_WORDS[kernel.no_mmu]}{page}: {' and '.join(counts)} in the text."


def _groups(failures: list[Case]) -> list[list[Case]]:
    """Failures grouped by program, size and reason; each group in the order of the text."""
    groups: dict[tuple[object, ...], list[Case]] = {}
    for case in failures:
        victims = tuple(case.message.killed) if case.message and case.told and case.told.decides else ()
        key = (case.name, case.order, case.requested_bytes, case.answer.reason, case.answer.verdict, victims)
        groups.setdefault(key, []).append(case)
    return list(groups.values())


def _overview(groups: list[list[Case]]) -> list[str]:
    lines = []
    for cases in groups[:_LISTED]:
        times = f", {len(cases)} times from line {cases[0].line}" if len(cases) > 1 else f", line {cases[0].line}"
        lines += wrapped(f"{headline(cases[-1])}: {cases[-1].answer.reason}{times}", "  - ", "    ")
    left_out = len(groups) - _LISTED
    lines += wrapped(f"and {left_out} more kinds: --json has them all") if left_out > 0 else []
    told = min(len(groups), _FULL_STORIES)
    if told < len(groups):
        lines += wrapped(f"The first {told} kinds in full, each by its newest failure:")
    return lines


def _free_states(explanation: Explanation) -> list[State]:
    """States that belong to no failure. If needs were given and there is no such state, those of the failures."""
    of_failures = {id(case.state) for case in explanation.failures}
    free = [state for state in explanation.states if id(state) not in of_failures]
    if free or not explanation.needs:
        return free
    asked = {id(need.state) for need in explanation.needs}
    return [state for state in explanation.states if id(state) in asked]


def _same_again(groups: list[list[Case]], state: State) -> list[Case]:
    """The requests that failed elsewhere in the text, judged in this state."""
    failed = {
        case.requested_bytes: case
        for cases in groups
        for case in cases[-1:]
        if case.requested_bytes and case.state is not state
    }
    return [
        need_in(state, Wanted(f"{size} bytes, as {one_line(case.name or 'above', 20)} asked for", size))
        for size, case in list(failed.items())[:_FULL_STORIES]
    ]


def _needs_overview(explanation: Explanation) -> list[str]:
    lines = []
    for name in dict.fromkeys(need.name for need in explanation.needs):
        cases = [need for need in explanation.needs if need.name == name]
        refused = [need for need in cases if need.answer.verdict == watermark.REFUSED]
        first = f", first at line {refused[0].line}" if refused else ""
        unknown = sum(need.answer.verdict is None for need in cases)
        or_unknown = f", unknown in {unknown}" if unknown else ""
        fails = f"fails in {len(refused)}{or_unknown} of {len(cases)} states{first}"
        lines += wrapped(f"{one_line(name or '', 60)}: {fails}.", "")
    if explanation.needs:
        lines += wrapped(f"The newest {_FULL_STATES} states:", "")
    return ["", *lines] if lines else []
