"""Explains in numbers why a request succeeds or fails, for readers who do not know what an order is."""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import OOM_KILLER, BoardState, NeedState
from buddywatch.notify.paper import wrapped
from buddywatch.text import verdict_words
from buddywatch.text.escape import counted, local_clock, one_line
from buddywatch.text.state_words import VERDICT_WORDS, why_unknown
from buddywatch.text.units import format_bytes
from buddywatch.text.verdict_words import Test, oom_killer, table_of_tests
from buddywatch.verdict import judge

INDENT = "  "  # of the text under a heading


@dataclass(frozen=True)
class Asked:
    """A request as judge.judge() takes it."""

    name: str
    bytes: int
    is_program: bool = False


def asked_by(need: NeedState, snapshot: Snapshot, state: BoardState) -> Asked:
    """The request behind `need` in this snapshot: with the pages of an exec, or without."""
    plain, program = Asked(need.name, need.bytes), Asked(need.name, need.bytes, True)
    judged = judge.judge(snapshot, state.page_bytes, plain, state.rule)
    return plain if judged == need else program


def request_lines(request: Asked, page_bytes: int) -> list[str]:
    """The request in bytes, in pages, and the block that it takes."""
    pages = -(-request.bytes // page_bytes)
    order = watermark.order_for(request.bytes, page_bytes)
    block = f"{counted(1 << order, 'page')} ({format_bytes(page_bytes << order)}; the kernel calls it order {order})"
    return wrapped(
        f"{one_line(request.name)} needs {request.bytes} bytes in one piece: {counted(pages, 'page')} of {page_bytes} "
        f"bytes. The kernel hands out memory in blocks of 1, 2, 4, 8 ... pages only, so it takes a block of {block}."
    )


def answer_lines(request: Asked, snapshot: Snapshot, state: BoardState) -> list[str]:
    """Whether the request would have succeeded at this snapshot, and the numbers that decided it."""
    need = judge.judge(snapshot, state.page_bytes, request, state.rule)
    if need.verdict is None or need.order is None or state.page_bytes is None or state.rule is None:
        return wrapped(f"Whether this request would succeed is not known: {why_unknown(state)}.")
    tests = _decisive_tests(request, need.order, snapshot, state.rule, at_low=need.verdict == watermark.TIGHT)
    lines = wrapped(_answer(need, tests, state.page_bytes, local_clock(snapshot.time)))
    if need.verdict != watermark.OK:
        lines += ["", *table_of_tests(tests, state.page_bytes)]
        if request.is_program:
            pages = counted(watermark.EXEC_PAGES, "single page")
            lines += wrapped(f"(counted without the {pages} that starting a program takes first)")
        for beside_pages in {zone.beside_pages for zone in snapshot.zones} - {0}:
            lines += ["", *wrapped(verdict_words.counted_beside(beside_pages))]
        if need.consequence == OOM_KILLER:
            lines += ["", *wrapped(oom_killer(state.page_bytes))]
    return lines


def lacks_memory(request: Asked, snapshot: Snapshot, state: BoardState) -> bool:
    """True if total free memory is too small, regardless of fragmentation."""
    need = judge.judge(snapshot, state.page_bytes, request, state.rule)
    if need.verdict in (None, watermark.OK) or need.order is None or state.rule is None:
        return False
    tests = _decisive_tests(request, need.order, snapshot, state.rule, at_low=need.verdict == watermark.TIGHT)
    return _all_too_little(tests)


def totals_lines(state: BoardState) -> list[str]:
    """Total free memory, the largest free block, the largest request that succeeds, and caches."""
    is_mixed = state.ram_file_bytes is None
    known = [
        ("free memory", state.free_bytes),
        ("largest free block", state.largest_free_block_bytes),
        ("largest request that succeeds", state.serviceable_bytes),
        (f"caches that the kernel can free{', at most' if is_mixed else ''}", state.reclaimable_bytes),
        ("files in RAM that are listed as caches", state.ram_file_bytes or None),
    ]
    return [f"{INDENT}{what + ':':<46}{value // 1024:>8} kB" for what, value in known if value is not None]


def snapshot_lines(
    recent: tuple[Snapshot, ...], facts: dict[str, str], state: BoardState, request: Asked | None
) -> list[str]:
    """The snapshots as a table, oldest first: free memory, largest usable block, verdict, free blocks by size."""
    answer = f"{one_line(request.name, 10):<11}" if request else ""
    lines = [f"{INDENT}{'time':<10}{'free kB':>8}{'usable kB':>11}  {answer}free blocks of 1, 2, 4 ..."]
    for snapshot in recent:
        judged = judge.board_state(snapshot, facts, [request] if request else [], state.rule, state.page_bytes)
        answer = f"{VERDICT_WORDS[judged.needs[0].verdict]:<11}" if request else ""
        memory = f"{_kb(judged.free_bytes):>8}{_kb(judged.serviceable_bytes):>11}"
        head = f"{INDENT}{local_clock(snapshot.time):<10}{memory}  {answer}"
        for zone in snapshot.zones:
            name = "" if len(snapshot.zones) == 1 else f"{zone.node}/{one_line(zone.name, 16)}: "
            lines += wrapped(name + " ".join(str(count) for count in zone.nr_free), head, " " * len(head))
            head = " " * len(head)
    return lines


def _decisive_tests(request: Asked, order: int, snapshot: Snapshot, rule: str, at_low: bool) -> list[Test]:
    """The rule's tests in the zone that offers most, at the mark that decides."""
    tests = []
    for zone in judge.serving_zones(snapshot):
        mark = zone.low_pages if at_low else zone.min_pages
        if mark is None or zone.reserve_pages is None:
            continue
        taken_pages = watermark.EXEC_PAGES if request.is_program else 0
        nr_free = watermark.take_pages(zone.nr_free, taken_pages)
        reserve, beside = zone.reserve_pages, zone.beside_pages
        tests.append(watermark.trace(nr_free, order, mark, reserve, rule, zone.min_pages, beside))
    return max(tests, key=_spare_pages)


def _spare_pages(tests: list[Test]) -> int:
    return min(held - demanded for _, held, demanded in tests)


def _answer(need: NeedState, tests: list[Test], page_bytes: int, clock: str) -> str:
    spare, margin = _spare_pages(tests), counted(need.margin_pages or 0, "page")
    if need.verdict == watermark.OK:
        return f"At {clock} this request would have succeeded, with {margin} to spare."
    if need.verdict == watermark.TIGHT:
        return (
            f"At {clock} this request would have succeeded only at the kernel's second try, which also uses its "
            f"reserve (down to the min mark), with {margin} to spare. The first try (down to the low mark) is "
            f"{counted(-spare, 'page')} short:"
        )
    return f"At {clock} this request would have failed. {_reason(tests, need.order or 0, page_bytes)}"


def _reason(tests: list[Test], order: int, page_bytes: int) -> str:
    _, held_at_order, _ = tests[-1]
    if _all_too_little(tests):
        return verdict_words.TOO_LITTLE
    if held_at_order < 1 << order:
        return verdict_words.no_block(page_bytes << order)
    return verdict_words.held_back(page_bytes << order)


def _all_too_little(tests: list[Test]) -> bool:
    _, held, demanded = tests[0]
    return held < demanded


def _kb(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else str(size_bytes // 1024)
