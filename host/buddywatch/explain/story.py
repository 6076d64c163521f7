"""The explanation of one request: its size, what was free, why it succeeds or fails, what would help. Pure."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.answer_story import answer_parts
from buddywatch.explain.case import Case
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.flag_words import asked_words, uncalled_words
from buddywatch.explain.holders import holder_lines
from buddywatch.explain.missing import commands, without_programs
from buddywatch.explain.remedies import remedies
from buddywatch.explain.remedy import Remedy
from buddywatch.explain.state_words import block_table, counted_words, largest_free, total_words, unlisted_words
from buddywatch.kernel_text.messages import oom, vmalloc
from buddywatch.text.document import Bullets, Columns, Heading, Paragraph, Part, plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes

# fs/binfmt_flat.c: "Unable to allocate RAM for ..."
_HELD = {"process data": "data, bss and stack", "process text/data": "text, data, bss and stack"}
_MOST_HELP, _MOST_NOT = 4, 3  # remedies in short


def failure_parts(case: Case, full: bool) -> list[Part]:
    """The explanation of a failure that the kernel reported, below its first lines."""
    if case.finding and case.finding.decides:
        held = holder_lines(case.kill_state) if case.kill_state else []
        told: list[Part] = [Paragraph(case.finding.asked), Paragraph(case.finding.cause)]
        told += [Heading("What holds the memory"), Columns(held)] if held else []
        return [*told, *remedy_parts(case, full)]
    parts: list[Part] = [Paragraph(case.finding.asked, rank=1)] if case.finding else []
    parts.append(Paragraph(_asked(case)))
    if case.state is None:
        return [*parts, Paragraph(_no_state(case)), *_next_commands(case), *remedy_parts(case, full)]
    parts += [*_free_parts(case), *answer_parts(case, full), *_next_commands(case), *_holder_parts(case, full)]
    return parts + remedy_parts(case, full)


def headline(case: Case) -> str:
    """ "rm (process 6821): 61440 bytes in one piece": which program requested how much."""
    pid = case.message.pid if case.message else None
    who = plain(case.name or "", 40) or "a process"
    who += f" (process {pid})" if pid is not None else ""
    if case.finding and case.finding.decides:
        return _finding_headline(case, case.finding, who if case.name else "")
    return f"{who}: {_amount(case)}{_killed(case)}"


def _finding_headline(case: Case, finding: Finding, who: str) -> str:
    killed = case.message.killed if case.message else []
    if finding.label == "Killed":
        names = ", ".join(plain(name, 40) for name in killed) or finding.amount
        return f"{names}, by {finding.killer}"
    return f"{f'{who}: ' if who else ''}{finding.amount}{_killed(case)}"


def _killed(case: Case) -> str:
    killed = case.message.killed if case.message else []
    notices = case.message.notices if case.message else []
    killer = case.finding.killer if case.finding and case.finding.label == "Killed" else oom.killer(notices)
    return f"; {killer} killed {', '.join(plain(name, 40) for name in killed)}" if killed else ""


def _amount(case: Case) -> str:
    if case.requested_bytes is not None and case.message and case.message.kind == vmalloc.FAMILY:
        return f"{case.requested_bytes} bytes of kernel address space"
    if case.requested_bytes is not None:
        return f"{case.requested_bytes} bytes in one piece"
    if case.order is None:
        return "an unknown amount"
    if case.message and case.message.is_order_assumed:
        return "pages, how many is not in the text"
    block = f" ({format_bytes(case.block_bytes)})" if case.block_bytes else ""
    return f"{counted(1 << case.order, 'page')}{block} in one piece" if case.order else f"1 page{block}"


def failure_heading(case: Case, likes: int) -> str:
    """Where the failure is in the text. likes: how many others were the same."""
    more = f" (and {likes} more like it)" if likes else ""
    label = case.finding.label if case.finding else "Failed"
    return f"{label} at line {case.line}{more}: {headline(case)}"


def _asked(case: Case) -> str:
    if case.order is None:
        if case.message and case.message.kind == "vma":
            return (
                "The kernel had not even one free page for its own small records of a mapping. That is a lack of "
                "memory, not of large blocks."
            )
        return _unknown_pages(case)
    block = f"{counted(1 << case.order, 'page')}"
    if case.block_bytes:
        block += f" ({format_bytes(case.block_bytes)}; the kernel calls it order {case.order})"
    if case.requested_bytes is not None and case.page_bytes:
        pages = -(-case.requested_bytes // case.page_bytes)
        text = (
            f"{case.requested_bytes} bytes are {counted(pages, 'page')} of {case.page_bytes} bytes. The kernel "
            f"allocates blocks of 1, 2, 4, 8 ... pages only, so the request needs a free block of {block}."
        )
    else:
        text = f"The request was for a block of {block}."
    text += _purpose(case)
    is_kill = case.message is not None and "oom" in case.message.kinds
    uncalled = "" if is_kill else uncalled_words(case.answer.request)
    return " ".join(words for words in (text, asked_words(case.answer.request), uncalled) if words)


def _unknown_pages(case: Case) -> str:
    """What a number of bytes needs if the page size is unknown."""
    if case.block_bytes is None:
        return "The size of the block depends on the page size, which is not in the text: give --page-kb N."
    text = (
        f"The kernel allocates blocks of 1, 2, 4, 8 ... pages only, so the request needs a free block of "
        f"{format_bytes(case.block_bytes)}, whatever the page size (4 to 64 kB)."
    )
    return text + _purpose(case)


def _purpose(case: Case) -> str:
    """What the request was for, if the text says it."""
    for_what = case.message.for_what if case.message else None
    if for_what in _HELD:
        return f" It was for the {_HELD[for_what]} of a program that was being started."
    if case.is_start is False:
        return " It was an mmap of a program that ran already, not the start of one: it asked for several sizes."
    return ""


def _no_state(case: Case) -> str:
    return (
        "What was free at that moment is not in the text: the kernel prints it below this message, up to the line with "
        "`= NkB`. Without it the cause is unknown."
    )


def _free_parts(case: Case) -> list[Part]:
    state = case.state
    if state is None:
        return []
    when = "Free then"
    if reasons.BORROWED_STATE in case.notes:
        when = f"No list of free memory came with the message. Free {_moment(case)}, by line {state.line}"
    text = f"{when}: {total_words(state)} in all, largest block {largest_free(state)}."
    below = [(unlisted_words(state), 0), (counted_words(state), 3)]
    return [Paragraph(text), Columns(block_table(state)), *(Paragraph(words, rank) for words, rank in below if words)]


def _moment(case: Case) -> str:
    """When the borrowed state was taken."""
    if case.state_gap_s is None:
        return "at another moment"
    return f"{abs(case.state_gap_s):.1f} s {'before' if case.state_gap_s < 0 else 'after'}"


def _next_commands(case: Case) -> list[Part]:
    """What to type if facts are missing."""
    typed = commands(case)
    if not typed:
        return []
    shell = without_programs(case)
    return [
        Heading("What to type next, on this machine"),
        Bullets([f"{command}: {settles}." for command, settles in typed]),
        *([Paragraph(shell)] if shell else []),
    ]


def _holder_parts(case: Case, full: bool) -> list[Part]:
    """What holds the memory, if that matters."""
    is_oom = case.message is not None and "oom" in case.message.kinds
    if case.state is None or not (full or is_oom or case.answer.reason == reasons.TOO_LITTLE):
        return []
    lines = holder_lines(case.state)
    return [Heading("What holds the memory"), Columns(lines)] if lines else []


def remedy_parts(case: Case, full: bool) -> list[Part]:
    """What helps, and what does not help."""
    found = remedies(case)
    parts: list[Part] = []
    sections = (("What would help", True, _MOST_HELP), ("What helps little or not at all", False, _MOST_NOT))
    for title, helps, most in sections:
        chosen = [remedy for remedy in found if remedy.helps == helps]
        texts = [remedy.text for remedy in chosen] if full else [short_of(remedy) for remedy in chosen[:most]]
        if len(chosen) > len(texts):
            texts.append(f"{len(chosen) - len(texts)} more: `--full`")
        parts += [Heading(title), Bullets(texts)] if texts else []
    return parts


def short_of(remedy: Remedy) -> str:
    """The remedy in a line: its short form, or its first sentence."""
    text = remedy.short or remedy.text.partition(". ")[0]
    return text if text.endswith(".") else f"{text}."
