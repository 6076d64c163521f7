"""A request that nobody has made yet, judged in a state, in words. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.case import Case
from buddywatch.explain.story import answer_lines, unknown_words
from buddywatch.text.escape import counted, one_line, wrapped
from buddywatch.text.units import format_bytes


def need_lines(case: Case) -> list[str]:
    """A requested need, judged in the state printed above it."""
    lines = wrapped(f"{_need_name(case)}: {_short(case)}")
    if case.pieces:
        lines += _piece_lines(case)
    if case.answer.verdict in (watermark.REFUSED, watermark.TIGHT) and case.page_bytes is not None:
        lines += ["", *answer_lines(case)]
    return lines


def _need_name(case: Case) -> str:
    name = one_line(case.name or "", 60)
    return f"{name}, started now" if case.pieces else f"A request for {name}"


def _short(case: Case) -> str:
    answer = case.answer
    if answer.verdict is None:
        return f"unknown, and unknown is not an all-clear. {unknown_words(case)}"
    block = f", a block of {format_bytes(case.block_bytes)}" if case.block_bytes else ""
    if answer.verdict == watermark.REFUSED and answer.margin_pages is None:
        return f"FAILS{block}, whatever the watermarks: no free block is large enough"
    if answer.verdict == watermark.REFUSED:
        return f"FAILS{block}, short by {_pages_words(case, answer.missing_pages)}"
    spare = f"{_pages_words(case, answer.margin_pages or 0)} to spare"
    return f"succeeds{' at the second try' if answer.verdict == watermark.TIGHT else ''}{block}, {spare}"


def _pages_words(case: Case, pages: int) -> str:
    return format_bytes(pages * case.page_bytes) if case.page_bytes else counted(pages, "page")


def _piece_lines(case: Case) -> list[str]:
    lines = []
    for piece in case.pieces:
        what = f"{piece.block.what}: {piece.block.bytes} bytes"
        if piece.answer is None:
            why = "assumed to be shared or in flash" if piece.block.shareable else "not reached"
        else:
            verdict = "FAILS" if piece.answer.verdict == watermark.REFUSED else piece.answer.verdict or "unknown"
            why = f"a block of {format_bytes((case.page_bytes or 0) << piece.order)}, {verdict}"
        lines += wrapped(f"{what}, {why}", "    ")
    return lines
