"""The answers to a text: each failure and each requested need, with its state, verdict and notes. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.borrow import borrow_states
from buddywatch.explain.case import Case, Explanation, Wanted
from buddywatch.explain.changes import changes
from buddywatch.explain.families.meanings import finding_of
from buddywatch.explain.judge import Answer
from buddywatch.explain.kinds_of_request import answer_of
from buddywatch.explain.notes import notes_of, set_answer
from buddywatch.explain.page_sizes import POSSIBLE_PAGE_BYTES, judge_bytes, judge_in_each
from buddywatch.explain.program import decisive, start
from buddywatch.explain.request import Request, request_of
from buddywatch.explain.starts import mark_starts
from buddywatch.kernel_text.assemble import state_of_dump, state_of_table, states_of_meminfo
from buddywatch.kernel_text.attach import attach_holders
from buddywatch.kernel_text.kernel import Kernel, KernelsOfText
from buddywatch.kernel_text.lines import clean
from buddywatch.kernel_text.page_size import page_bytes_of
from buddywatch.kernel_text.raw import Dump, Message, Raw
from buddywatch.kernel_text.reader import read
from buddywatch.kernel_text.state import Options, State

_SAME_MOMENT_S = 0.02  # CPUs that print at once mix their lines
_COMPARED = 3  # failed requests, beside the needs
_UNKNOWN = Answer(Request(0), None, reasons.UNKNOWN)


def explain(
    text: str,
    options: Options = Options(),  # noqa: B008 - frozen
    wanted: Sequence[Wanted] = (),
    progress: Callable[[float], None] = lambda done: None,
) -> Explanation:
    """Explain the text. progress is called with the fraction that is done, 0 to 1."""
    cleaned = clean(text, lambda done: progress(done * 0.3))
    del text  # 20 MB that the cleaned text takes the place of
    raw = read(cleaned, lambda done: progress(0.3 + done * 0.5))
    page_bytes = page_bytes_of(raw, options)
    kernels = KernelsOfText(raw, options.release)
    failures, states = _failures(raw, kernels, page_bytes, options)
    for dump in raw.dumps:
        state = state_of_dump(dump, raw, kernels.at(dump.offset, dump.offset), page_bytes, options)
        states += [replace(state, after_failure=raw.follows_failure(dump.offset))] if state else []
    states.sort(key=lambda state: state.offset)
    states = sorted([*states, *_tables(raw, kernels, page_bytes, options, states)], key=lambda state: state.offset)
    if not states:
        states = states_of_meminfo(raw, kernels, page_bytes)
    _attach_zoneinfo(states, raw)
    attach_holders(states, raw)
    borrow_states(failures, states)
    mark_starts(failures)
    newest = failures[-1].kernel if failures else kernels.at(len(raw.text), len(raw.text))
    needs = [need for entry in wanted for need in _needs(entry, states, newest)]
    progress(1)
    requests = [(entry.name, entry.bytes) for entry in wanted if entry.bytes]
    requests += [(f"{size} bytes", size) for size in dict.fromkeys(_sizes(failures))]
    changed = changes(states, requests, raw.text)
    return Explanation(newest, page_bytes, states, failures, needs, raw.asides, changed, raw.has_part)


def _sizes(failures: list[Case]) -> list[int]:
    """The sizes of the newest failures, whose answer may change from state to state."""
    return [
        case.requested_bytes
        for case in failures
        if case.requested_bytes and not (case.finding and case.finding.decides)
    ][-_COMPARED:]


def _failures(
    raw: Raw, kernels: KernelsOfText, page_bytes: int | None, options: Options
) -> tuple[list[Case], list[State]]:
    cases, states = [], []
    ends = [message.offset for message in raw.messages[1:]] + [len(raw.text)]
    for message, end in zip(raw.messages, ends, strict=False):
        kernel = kernels.of_message(message, end)
        state = state_of_dump(message.dump, raw, kernel, page_bytes, options) if message.dump else None
        if state:
            states.append(state)
        case = _failure(message, kernel, page_bytes, state, raw.line_at(message.offset))
        if page_bytes is None and message.dump and (case.order is not None or message.kind == "alloc"):
            _answer_for_all_page_sizes(case, message.dump, raw, options)
            states += [case.state] if case.state else []
        case.kill_state = state if case.state is None else None
        case.before_init = raw.is_before_init(message)
        case.no_init = raw.ends_without_init(message.offset)
        case.finding = finding_of(message, raw)
        if case.finding and case.finding.decides:
            group = case.finding.reason == reasons.CONTROL_GROUP  # the zones' answer to it still holds
            answer = case.answer if group else Answer(case.answer.request, None, "")
            case.answer = replace(answer, reason=case.finding.reason)
        message.dump = None  # its state has all of it, and a log may have ten thousand
        cases.append(case)
    return cases, states


def _failure(message: Message, kernel: Kernel, page_bytes: int | None, state: State | None, line: int) -> Case:
    order = message.order
    if order is None and message.requested_bytes and page_bytes and message.kind == "alloc":
        order = watermark.order_for(message.requested_bytes, page_bytes)
    case = Case(
        name=message.process,
        kernel=kernel,
        page_bytes=page_bytes,
        requested_bytes=message.requested_bytes,
        order=order,
        state=None,
        answer=_UNKNOWN,
        notes=[],
        message=message,
        line=line,
    )
    if order is not None:
        request = request_of(min(order, 62), message.mode, message.mode_names, kernel.span, message.nodes)
        case.answer = Answer(request, None, reasons.UNKNOWN)
        if state is not None:
            set_answer(case, state, answer_of(state, case))
            _mark_earlier(case, state)
        else:
            case.notes = notes_of(case)
    return case


def _answer_for_all_page_sizes(case: Case, dump: Dump, raw: Raw, options: Options) -> None:
    """Where the text has blocks in kB but no page size: what holds for all of them. The state is in pages of 4 kB."""
    known = [state_of_dump(dump, raw, case.kernel, page_bytes, options) for page_bytes in POSSIBLE_PAGE_BYTES]
    states = [state for state in known if state is not None]
    if not states:
        return
    answer = judge_in_each(states, case.answer.request, case.requested_bytes)
    if dump.has_blocks or answer.verdict is not None:
        set_answer(case, states[0], answer)


def _attach_zoneinfo(states: list[State], raw: Raw) -> None:
    """A zoneinfo without buddyinfo gives a state its sums of another moment: the newest read, to the nearest state."""
    if not raw.zoneinfo or raw.tables or raw.types or not states:
        return
    keys = [key for _, key, _ in raw.zoneinfo]
    start = len(keys) - 1
    while start and keys[start - 1] not in keys[start:]:
        start -= 1
    offset = raw.zoneinfo[start][0]
    state = min(states, key=lambda other: abs(other.offset - offset))
    read = [(node, name, zone.values.get("free", 0)) for _, (node, name), zone in raw.zoneinfo[start:]]
    state.zoneinfo, state.zoneinfo_line = tuple(each for each in read if each[2]), raw.line_at(offset)


def _mark_earlier(case: Case, state: State) -> None:
    """A dump below a header, but stamped before it, is that of an earlier failure whose header was left out."""
    stamp_s = case.message.stamp_s if case.message else None
    if stamp_s is not None and state.stamp_s is not None and state.stamp_s < stamp_s - _SAME_MOMENT_S:
        case.state_gap_s = state.stamp_s - stamp_s
        case.notes.append(reasons.BORROWED_STATE)


def _tables(
    raw: Raw, kernels: KernelsOfText, page_bytes: int | None, options: Options, dumps: list[State]
) -> list[State]:
    """States from buddyinfo; from pagetypeinfo if there is no buddyinfo."""
    states = []
    for table in raw.tables or raw.types:
        lender = _nearest(dumps, table.offset) if dumps else None
        kernel = kernels.at(table.offset, table.offset)
        states.append(state_of_table(table, raw, kernel, page_bytes, lender, options))
    return states


def _nearest(states: list[State], offset: int) -> State:
    index = bisect_left(states, offset, key=lambda state: state.offset)
    return min(states[max(index - 1, 0) : index + 1], key=lambda state: abs(state.offset - offset))


def _needs(wanted: Wanted, states: list[State], kernel: Kernel) -> list[Case]:
    """A case for each state from /proc; if there are none, for each state that the kernel dumped; else one without."""
    chosen = [state for state in states if state.source != "dump"] or states
    if not chosen:
        return [Case(wanted.name, kernel, None, wanted.bytes, None, None, _UNKNOWN, [])]
    return [need_in(state, wanted) for state in chosen]


def need_in(state: State, wanted: Wanted) -> Case:
    """Whether the wanted request succeeds in a state."""
    page_bytes = state.page_bytes
    case = Case(wanted.name, state.kernel, page_bytes, wanted.bytes, None, state, _UNKNOWN, [], line=state.line)
    if wanted.bytes:
        case.order, answer = judge_bytes(state, wanted.bytes, Request(0))
        set_answer(case, state, answer)
    elif wanted.blocks and page_bytes is not None:
        case.pieces = start(state, wanted.blocks(page_bytes), page_bytes)
        deciding = decisive(case.pieces)
        case.requested_bytes, case.order = deciding.block.bytes, deciding.order
        if deciding.answer:
            set_answer(case, state, deciding.answer)
    return case
