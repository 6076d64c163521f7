"""The first three lines of an answer: what failed, why, and what to do first. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import last_try, reasons
from buddywatch.explain.case import Case
from buddywatch.explain.flag_words import granted_advice, granted_cause, zones_up_to
from buddywatch.explain.holders import is_used_up, largest_words, not_given, total_pages
from buddywatch.explain.missing import commands
from buddywatch.explain.remedies import LOW_ZONES, remedies
from buddywatch.explain.state_words import OTHER_RULE, largest_free
from buddywatch.explain.story import headline
from buddywatch.explain.zone_words import kept_block
from buddywatch.kernel_text.messages import vmalloc
from buddywatch.kernel_text.state import State
from buddywatch.text.document import Lead, Part, plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes

_AN = ("8", "11 ", "18 ")  # eight, eleven, eighteen
# Of a request filled page by page: where less than this share lacks, it may have been the page tables that lacked.
_OWN_SHARE = 0.01


def lead(case: Case) -> list[Part]:
    """Three lines, short enough for a terminal wherever names and numbers allow it."""
    label = _verdict_label(case) if case.message is None else case.finding.label if case.finding else "Failed"
    return [
        Lead(label, _sentence(asked_words(case))),
        Lead("Why", _sentence(why(case))),
        Lead("First", _sentence(first(case))),
    ]


def asked_words(case: Case) -> str:
    """ "rm (process 6821) asked for 61440 bytes, a 64 kB block in one piece"."""
    if case.message is None:
        return f"{plain(case.name or '', 60)}{_block(case)}"
    if case.finding and case.finding.decides:
        return headline(case)
    pid = case.message.pid
    who = f"{plain(case.name or '', 40) or 'a process'}{f' (process {pid})' if pid is not None else ''}"
    if case.requested_bytes is not None and case.message.kind == vmalloc.FAMILY:
        return f"{who} asked for {case.requested_bytes} bytes of kernel address space, filled with single pages"
    if case.requested_bytes is not None:
        return f"{who} asked for {case.requested_bytes} bytes in one piece{_block(case)}"
    if case.message.is_order_assumed:
        return f"{who} asked for pages (how many is not in the text)"
    if case.order is None:
        return f"{who} asked for an unknown amount"
    size = f" ({format_bytes(case.block_bytes)})" if case.block_bytes else ""
    pieces = " in one piece" if case.order else ""
    return f"{who} asked for {counted(1 << case.order, 'page')}{size}{pieces}"


def _block(case: Case) -> str:
    if not case.block_bytes:
        return ""
    size = format_bytes(case.block_bytes)
    return f", {'an' if size.startswith(_AN) else 'a'} {size} block"


def _verdict_label(case: Case) -> str:
    words = {watermark.REFUSED: "Would fail", watermark.OK: "Succeeds", watermark.TIGHT: "Succeeds"}
    return words.get(case.answer.verdict or "", "Unknown")


def why(case: Case) -> str:
    """The cause in one sentence."""
    answer = case.answer
    if case.finding and case.finding.decides:
        return case.finding.cause.partition(". ")[0].rstrip(".:")
    if answer.verdict is None:
        return _unknown(case)
    if answer.verdict != watermark.REFUSED:
        return _granted(case)
    if reasons.EXCEEDS_MEMORY in case.notes and case.state:
        return f"it is larger than all memory ({_kb(case, total_pages(case.state) or 0)}), so it can never be had"
    used_up = _used_up(case)
    if used_up:
        return used_up
    setting = next((remedy.numbers for remedy in remedies(case) if "formula_kb" in remedy.numbers), None)
    if setting:
        now_kb, formula = setting["now_kb"], setting["formula_kb"]
        return f"vm.min_free_kbytes keeps {now_kb} kB from use; the kernel's own value is {formula}"
    kept = kept_block(case)
    if kept and kept.zone:
        return f"{_refusal(case)}; {plain(kept.zone.name, 16)} has one, but keeps it"
    return _refusal(case)


def _used_up(case: Case) -> str:
    """What holds the memory, if the OOM killer was called with almost nothing free."""
    is_oom = case.message is not None and "oom" in case.message.kinds
    if not is_oom or case.state is None or not is_used_up(case.state) or not_given(case.state):
        return ""
    largest = largest_words(case.state)
    if not largest or case.answer.reason != reasons.FRAGMENTED or not case.order:
        return f"memory was used up: {largest}" if largest else ""
    block = format_bytes(case.block_bytes) if case.block_bytes else "that size"
    return f"no free block of {block}, and memory was nearly used up: {largest}"


def _refusal(case: Case) -> str:
    answer, state = case.answer, case.state
    block = format_bytes(case.block_bytes) if case.block_bytes else "that size"
    short = (
        f": {_kb(case, answer.missing_pages)} short" if answer.missing_pages else ""
    )  # no number without a page size
    if state is None:
        return answer.reason
    if answer.reason == reasons.TOO_LITTLE:
        missing = answer.short_in_all_pages or answer.missing_pages
        given = not_given(state)
        if given:
            return f"the kernel was given only {given[0]} of {given[1]} kB of memory"
        if case.answer.request.highest_zone in LOW_ZONES and answer.zone:
            by = f", which is {_kb(case, missing)} short" if missing else ", which has too little"
            return f"only zone {plain(answer.zone.name, 16)} may serve it{by}"
        largest = largest_words(state)
        held = f"; {largest}" if largest else ""
        by = f", {_kb(case, missing)} short" if missing else ""
        return f"too little memory{by}{held}{_out_of_reach(case, state, missing)}"
    if answer.reason == reasons.FRAGMENTED:
        zone = f" in zone {plain(answer.zone.name, 16)}" if answer.others and answer.zone else ""
        if case.order == 0:
            return f"nothing is free{zone}"
        if case.order is None or zone:
            return f"fragmentation: no free block of {block}{zone}"
        free = _kb(case, state.free_pages)
        return f"fragmentation: {free} are free, the largest block is {largest_free(state)}"
    if answer.reason == reasons.ATOMIC_RESERVE and answer.zone and answer.zone.has_no_highatomic_free:
        reserved = _kb(case, answer.zone.highatomic_pages)
        return f"the kernel takes {reserved} for atomic requests off what is free, though none of it is{short}"
    return {
        reasons.EITHER_WAY: f"{short.removeprefix(': ') or 'too few'}, whatever the missing part of the list had",
        reasons.RESERVE: f"a block of {block} is free, but kept in reserve{short}",
        reasons.ATOMIC_RESERVE: f"what is free is kept for atomic requests of 2 pages or more{short}",
        reasons.CMA_RESERVE: f"what is free is set aside for movable pages (CMA){short}",
        reasons.TOO_LARGE: "it is larger than the largest block of this kernel",
    }.get(answer.reason, answer.reason)


def _out_of_reach(case: Case, state: State, missing: int) -> str:
    """Zones with enough memory that such a request may not use: on 32 bit the kernel reaches low memory only."""
    names = case.answer.request.zone_names
    above = [zone for zone in state.zones if zone.name not in names and zone.free_pages > missing]
    if not above or case.answer.request.nodes is not None:
        return ""
    free, name = sum(zone.free_pages for zone in above), plain(above[0].name, 16)
    return f"; the {_kb(case, free)} free in zone {name} cannot serve it"


def _granted(case: Case) -> str:
    message = case.message
    if message is None:
        return f"{_kb(case, case.answer.margin_pages or 0)} to spare" + (
            ", but only at the second try, out of the reserve" if case.answer.verdict == watermark.TIGHT else ""
        )
    if message.in_cgroup:
        return "a control group was at its limit; the machine had memory"
    if by_flags := granted_cause(case.answer.request):
        return by_flags
    largest = largest_words(case.state) if case.state else ""
    if "oom" in message.kinds and largest:
        return f"memory was used up: {largest}"
    if "oom" in message.kinds and case.state and case.state.is_swap_full:
        return f"memory and swap were used up: {_swap(case.state)}"
    if at_high := last_try.cause(case):
        return at_high
    if not case.answer.request.can_wait:
        return f"it could not wait, in a moment without {_lacked(case)}; {when_known(case)} there was enough"
    if case.answer.verdict == watermark.TIGHT and case.order:
        return "a close call: by these numbers, of a moment later, it just succeeds out of the reserve"
    return "by these numbers it succeeds: they are of another moment, or a limit did it"


def _swap(state: State) -> str:
    free_kb, total_kb = state.swap_kb or (0, 0)
    return f"{free_kb} of {total_kb} kB of swap are free"


def when_known(case: Case) -> str:
    """When there was enough, by the stamps of the message and of the numbers."""
    return "later" if (case.state_gap_s or 0) >= 0 else f"{-(case.state_gap_s or 0):.1f} s before"


def _unknown(case: Case) -> str:
    if case.state is None:
        return _without_state(case)
    if case.kernel.has_other_rule:
        return OTHER_RULE
    largest = largest_words(case.state)
    if case.message and "oom" in case.message.kinds and largest:
        return f"memory ran out: {largest}"
    if case.message and "oom" in case.message.kinds and case.state.is_swap_full:
        return f"memory and swap were used up: {_swap(case.state)}"
    if case.answer.one_page:
        return "unknown: for how many pages is not in the text; one page would have succeeded"
    if not case.state.zones:
        return "unknown, because only the sum of free memory is in the text"
    if case.answer.between or case.answer.lost_pages:
        return "unknown, because a part of the list of free blocks is missing"
    if any(zone.marks_from is None for zone in case.state.zones):
        return "unknown, because the watermarks are not in the text"
    if case.answer.verdicts or len(case.kernel.rules) != 1:
        return "unknown: it depends on the kernel release, which is not in the text"
    if case.page_bytes is None:
        return "unknown: it depends on the page size, which is not in the text"
    return "unknown: no zone in the text serves such a request"


def _without_state(case: Case) -> str:
    """The cause as the message itself gives it."""
    missing = "what was free then is not in the text"
    if "NORETRY" in (case.answer.request.flags or ()):
        return f"it gave up after one try (__GFP_NORETRY), and its caller has another way; {missing}"
    notices = case.message.notices if case.message else []
    got = max((notice.numbers.get("got_bytes") or 0 for notice in notices), default=0)
    if got and case.requested_bytes and case.requested_bytes - got >= _OWN_SHARE * case.requested_bytes:
        or_limit = ", or a control group was at its limit," if "ACCOUNT" in (case.answer.request.flags or ()) else ""
        return (
            f"no more pages were free{or_limit} when {got} of {case.requested_bytes} bytes had been filled; {missing}"
        )
    is_page = case.message is not None and case.message.kind == "page" and case.order == 0
    zone = case.answer.request.highest_zone
    if is_page and zone in LOW_ZONES:
        return f"not one page was free of {zones_up_to(zone)}, which alone may serve it; {missing}"
    if is_page and case.answer.request.flags and case.answer.request.can_wait:
        return f"memory ran out: not even single pages could be freed; {missing}"
    if case.message and "oom" in case.message.kinds:
        return f"{_called_oom_killer(case)}; {missing}"
    if not case.answer.request.can_wait:
        return f"it could not wait (an atomic request), in a moment without {_lacked(case)}; {missing}"
    return f"unknown, because {missing}"


def _called_oom_killer(case: Case) -> str:
    """What a header of the OOM killer proves alone. Of several pages in one piece, plenty can be free in smaller
    blocks; in a container it may have been the container's limit."""
    held = case.finding.held if case.finding else ""
    if held:
        return f"memory ran out, and {held}"
    if case.order:
        block = format_bytes(case.block_bytes) if case.block_bytes else counted(1 << case.order, "page")
        return (
            f"no block of {block} could be had (memory ran out, or was in pieces), and the kernel called the OOM killer"
        )
    where = "of the machine or of its container, " if case.finding and case.finding.in_container else ""
    return f"memory ran out, {where}and the kernel called the OOM killer"


def _lacked(case: Case) -> str:
    """What an atomic request did not find. Of several pages in one piece, plenty can be free in smaller blocks."""
    if not case.order:
        return "free memory"
    block = format_bytes(case.block_bytes) if case.block_bytes else counted(1 << case.order, "page")
    return f"a usable block of {block}"


def first(case: Case) -> str:
    """What to do first."""
    helping = [remedy for remedy in remedies(case) if remedy.helps]
    if helping:
        return helping[0].short.partition("; ")[0] or helping[0].text.partition(". ")[0].rstrip(".")
    if case.message and (case.answer.verdict or case.state is None) and (advice := granted_advice(case.answer.request)):
        return advice
    if case.message and "oom" in case.message.kinds and case.state and case.state.is_swap_full:
        return "end or limit the largest program (`ps`, `top`), or add swap"
    if last_try.cause(case):
        return "free memory: end programs, remove files in RAM"
    typed = commands(case)
    if typed:
        return f"{typed[0][0]}, then {typed[1][0]}" if len(typed) > 1 else typed[0][0]
    if case.answer.verdict == watermark.REFUSED:
        return "give --page-kb N: what would help depends on the page size"
    return "nothing to do" if case.message is None else "look at what follows in the log: it may have gone on"


def _kb(case: Case, pages: int) -> str:
    return format_bytes(pages * case.page_bytes) if case.page_bytes else counted(pages, "page")


def _sentence(text: str) -> str:
    return text if text.endswith((".", ":")) else f"{text}."
