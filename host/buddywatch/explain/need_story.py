"""A request that nobody has made yet, judged in a state, in words. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.answer_story import answer_parts, unknown_words
from buddywatch.explain.case import Case
from buddywatch.explain.missing import commands
from buddywatch.text.document import Bullets, Heading, Paragraph, Part, plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes


def need_parts(case: Case, full: bool) -> list[Part]:
    """A requested need, judged in the state printed above it."""
    parts: list[Part] = [Heading(f"{_need_name(case)}: {verdict_words(case)}")]
    if case.answer.verdict is None:
        parts.append(Paragraph(f"Unknown is not an all-clear (exit code 1). {unknown_words(case)}"))
    if case.pieces:
        parts.append(Bullets(_piece_texts(case)))
    if case.answer.verdict in (watermark.REFUSED, watermark.TIGHT) and case.page_bytes is not None:
        parts += answer_parts(case, full)
    if case.answer.verdict is None:
        parts += [Bullets([f"{command}: {settles}." for command, settles in commands(case)])]
    return parts


def _need_name(case: Case) -> str:
    name = plain(case.name or "", 60)
    return f"{name}, started now" if case.pieces else f"A request for {name}"


def verdict_words(case: Case) -> str:
    """The answer in a sentence: whether it fails, how short it falls or how much is to spare."""
    answer = case.answer
    if answer.verdict is None:
        return "unknown"
    block = f", a block of {format_bytes(case.block_bytes)}" if case.block_bytes else ""
    if answer.verdict == watermark.REFUSED and answer.margin_pages is None:
        return f"FAILS{block}, whatever the watermarks: no free block is large enough"
    if answer.verdict == watermark.REFUSED:
        return f"FAILS{block}, short by {_pages_words(case, answer.missing_pages)}"
    spare = f"{_pages_words(case, answer.margin_pages or 0)} to spare"
    return f"succeeds{' at the second try' if answer.verdict == watermark.TIGHT else ''}{block}, {spare}"


def _pages_words(case: Case, pages: int) -> str:
    return format_bytes(pages * case.page_bytes) if case.page_bytes else counted(pages, "page")


def _piece_texts(case: Case) -> list[str]:
    texts = []
    for piece in case.pieces:
        what = f"{piece.block.what}: {piece.block.bytes} bytes"
        if piece.answer is None:
            why = "assumed to be shared or in flash" if piece.block.shareable else "not reached"
        else:
            verdict = "FAILS" if piece.answer.verdict == watermark.REFUSED else piece.answer.verdict or "unknown"
            why = f"a block of {format_bytes((case.page_bytes or 0) << piece.order)}, {verdict}"
        texts.append(f"{what}, {why}")
    return texts
