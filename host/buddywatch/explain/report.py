"""The whole answer as a document, for readers who do not know what an order is. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.answers import need_in
from buddywatch.explain.asides import aside_parts
from buddywatch.explain.case import Case, Explanation, Wanted
from buddywatch.explain.changes import change_words
from buddywatch.explain.exhausted import exhausted_lead, exhausted_parts, is_exhausted
from buddywatch.explain.first_lines import asked_words, lead, why
from buddywatch.explain.holders import has_large_holder
from buddywatch.explain.need_story import need_parts, verdict_words
from buddywatch.explain.state_words import largest_free, largest_words, state_parts, total_words
from buddywatch.explain.story import failure_heading, failure_parts, remedy_parts
from buddywatch.kernel_text import versions
from buddywatch.kernel_text.messages import oom
from buddywatch.kernel_text.state import State
from buddywatch.text.document import Bullets, Heading, Lead, Paragraph, Part, plain, text_lines
from buddywatch.text.escape import counted

STORY_LINES = 40  # at most, unless all is asked for
_FULL_STORIES = 5  # of failures that differ; a log may have thousands
_FULL_STATES = 3
_LISTED = 20
_VICTIMS = 6  # named in the line of many like failures
_LISTED_IN_SHORT = 4
_MMU_WORDS = {True: ", no MMU", False: "", None: ""}
_BAD = {watermark.REFUSED: 0, None: 1, watermark.TIGHT: 2, watermark.OK: 3}


def report_lines(explanation: Explanation) -> list[str]:
    """The whole answer, for a terminal."""
    return text_lines(report_parts(explanation, full=True))


def report_parts(explanation: Explanation, full: bool = False) -> list[Part]:
    """full: all stories and states, all numbers; else the newest failure in 40 lines, and the rest in a line each."""
    groups = _groups(explanation.failures)
    parts = [*_lead(explanation, groups), Heading(_kernel_words(explanation))]
    parts += _change_parts(explanation, full) + _overview(groups, full)
    for cases in groups[:_FULL_STORIES] if full else groups[-1:]:
        story = [Heading(failure_heading(cases[-1], len(cases) - 1)), *failure_parts(cases[-1], full)]
        parts += story if full else _within(story, STORY_LINES - len(text_lines(parts)) - 2)
    parts += [part for need in explanation.needs if need.state is None for part in need_parts(need, full)]
    parts += _state_parts(explanation, groups, full)
    parts += aside_parts(explanation.asides)
    return parts if full else [*parts, Paragraph("`--full` tells all of it, `--json` for programs.")]


def _lead(explanation: Explanation, groups: list[list[Case]]) -> list[Part]:
    """What failed, why, what to do first: for the newest failure, else for the worst need, else what is free."""
    if groups:
        return lead(groups[-1][-1])
    if explanation.needs:
        return lead(min(reversed(explanation.needs), key=lambda need: _BAD.get(need.answer.verdict, 1)))
    state = explanation.states[-1] if explanation.states else None
    if state is None:
        return []
    if is_exhausted(state):
        return exhausted_lead(state)
    return [
        Lead("Free", f"{total_words(state)} in line {state.line}, the largest block {largest_free(state)}."),
        Lead("Largest request that succeeds", f"{largest_words(state)}."),
        Lead("Next", "`--need 61440` asks whether such a request would succeed."),
    ]


def _within(story: list[Part], most: int) -> list[Part]:
    """The story without its least important parts (by rank), until it fits."""
    while len(text_lines(story)) > most:
        ranks = [part.rank if isinstance(part, Paragraph) else 0 for part in story]
        if not any(ranks):
            break
        del story[ranks.index(max(ranks))]
    return story


def _kernel_words(explanation: Explanation) -> str:
    kernel = explanation.kernel
    by_wording = versions.words(kernel.span)
    name = f"{by_wording} (by its wording; no release in the text)" if by_wording else "Linux, unknown release"
    name = f"Linux {plain(kernel.release, 60)}" if kernel.release else name
    page = f", pages of {explanation.page_bytes // 1024} kB" if explanation.page_bytes else ", page size unknown"
    counts = [
        counted(len(explanation.failures), "failure") if explanation.failures else "no failure",
        counted(len(explanation.states), "state") + " of free memory",
    ]
    return f"{name}{_MMU_WORDS[kernel.no_mmu]}{page}: {' and '.join(counts)} in the text."


def _groups(failures: list[Case]) -> list[list[Case]]:
    """Failures grouped by program, size and reason; each group in the order of the text, the newest group last."""
    groups: dict[tuple[object, ...], list[Case]] = {}
    for case in failures:
        victims = tuple(case.message.killed) if case.message and case.finding and case.finding.decides else ()
        key = (case.name, case.order, case.requested_bytes, case.answer.reason, case.answer.verdict, victims)
        groups.setdefault(key, []).append(case)
    return sorted(groups.values(), key=lambda cases: cases[-1].line or 0)


def _overview(groups: list[list[Case]], full: bool) -> list[Part]:
    """A line for each kind of failure, if there are several; the newest of them in short."""
    if (len(groups) == 1 and len(groups[0]) == 1) or not groups:
        return []
    most = _LISTED if full else _LISTED_IN_SHORT
    items = []
    for cases in groups[-most:]:
        times = f"{len(cases)} times from line {cases[0].line}" if len(cases) > 1 else f"line {cases[0].line}"
        items.append(f"{times}: {asked_words(cases[-1])}: {why(cases[-1])}{_victims(cases)}")
    left_out = len(groups) - most
    before = f", the newest {most} of {len(groups)} kinds (`--json` has all)" if left_out > 0 else ""
    return [Paragraph(f"All failures{before}:"), Bullets(items)]


def _victims(cases: list[Case]) -> str:
    """The programs that the OOM killer ended in all of these failures: they are missing now."""
    killed = list(dict.fromkeys(name for case in cases if case.message for name in case.message.killed))
    if len(cases) == 1 or not killed:
        return ""
    named = ", ".join(plain(name, 40) for name in killed[:_VICTIMS])
    more = len(killed) - _VICTIMS
    if all(case.finding and case.finding.label == "Killed" for case in cases):
        return f"; killed: {named}{f' and {more} more' if more > 0 else ''}"
    notices = [notice for case in cases if case.message for notice in case.message.notices]
    return f"; {oom.killer(notices)} killed {named}{f' and {more} more' if more > 0 else ''}"


def _free_states(explanation: Explanation) -> list[State]:
    """States that belong to no failure. If needs were given and there is no such state, those of the failures."""
    of_failures = {id(case.state) for case in explanation.failures}
    free = [state for state in explanation.states if id(state) not in of_failures]
    if free or not explanation.needs:
        return free
    asked = {id(need.state) for need in explanation.needs}
    return [state for state in explanation.states if id(state) in asked]


def _state_parts(explanation: Explanation, groups: list[list[Case]], full: bool) -> list[Part]:
    """The newest states; in short a line for each, and in full only where nothing failed or a need was given."""
    states = _free_states(explanation)
    detailed = _FULL_STATES if full else 0 if groups and not explanation.needs else 1
    told = states[-detailed:] if detailed else []
    listed = states[: len(states) - len(told)]
    parts = _needs_overview(explanation) if len(states) > len(told) or not told else []
    parts += _state_list(listed, groups, explanation)
    for state in told:
        parts += state_parts(state)
        parts += exhausted_parts(state) if (is_exhausted(state) or has_large_holder(state)) and not groups else []
        needs = _judged(explanation, groups, state)
        parts += [part for need in needs for part in need_parts(need, full)]
        parts += next((found for need in needs if (found := remedy_parts(need, full))), [])  # much the same for all
    return parts


def _state_list(states: list[State], groups: list[list[Case]], explanation: Explanation) -> list[Part]:
    if not states:
        return []
    items = []
    for state in states[-_LISTED_IN_SHORT:]:
        needs = _judged(explanation, groups, state)
        answers = "".join(f"; {plain(need.name or '', 60)}: {verdict_words(need)}" for need in needs[:2])
        items.append(f"line {state.line}: {total_words(state)} free, largest block {largest_free(state)}{answers}")
    left_out = len(states) - len(items)
    more = f", the newest {len(items)} of {len(states)} (`--json` has all)" if left_out else ""
    return [Heading(f"Other states of free memory in the text{more}"), Bullets(items)]


def _judged(explanation: Explanation, groups: list[list[Case]], state: State) -> list[Case]:
    """The needs in this state; and what failed elsewhere, if the state is not that of a failure."""
    needs = [need for need in explanation.needs if need.state is state]
    of_failure = any(case.state is state for case in explanation.failures)
    return needs if of_failure else [*_same_again(groups, state), *needs]


def _same_again(groups: list[list[Case]], state: State) -> list[Case]:
    """The requests that failed elsewhere in the text, judged in this state."""
    failed = {
        case.requested_bytes: case
        for cases in groups
        for case in cases[-1:]
        if case.requested_bytes and case.state is not state and not (case.finding and case.finding.decides)
    }
    return [
        need_in(state, Wanted(f"{size} bytes, as {plain(case.name or 'above', 20)} asked for", size))
        for size, case in list(failed.items())[-_FULL_STORIES:]
    ]


def _change_parts(explanation: Explanation, full: bool) -> list[Part]:
    if not explanation.changes:
        return []
    most = _LISTED if full else _LISTED_IN_SHORT - 1
    shown = explanation.changes[-most:]
    more = f", the newest {most}" if len(explanation.changes) > most else ""
    return [Paragraph(f"What changed from state to state{more}:"), Bullets([change_words(change) for change in shown])]


def _needs_overview(explanation: Explanation) -> list[Part]:
    items = []
    for name in dict.fromkeys(need.name for need in explanation.needs if need.state is not None):
        cases = [need for need in explanation.needs if need.name == name]
        refused = [need for need in cases if need.answer.verdict == watermark.REFUSED]
        unknown = sum(need.answer.verdict is None for need in cases)
        first = f", first at line {refused[0].line}" if refused else ""
        or_unknown = f", unknown in {unknown}" if unknown else ""
        items.append(f"{plain(name or '', 60)}: fails in {len(refused)}{or_unknown} of {len(cases)} states{first}.")
    return [Heading("The requests in all states"), Bullets(items)] if items else []
