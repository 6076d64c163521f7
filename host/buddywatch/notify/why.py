"""Why the kernel would answer as it does, in numbers, for readers who do not know what an order is."""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import OOM_KILLER, BoardState, NeedState
from buddywatch.text import verdict_words
from buddywatch.text.escape import counted, local_clock, one_line, wrapped
from buddywatch.text.state_words import why_unknown
from buddywatch.text.units import format_bytes
from buddywatch.text.verdict_words import Test, oom_killer, table_of_tests
from buddywatch.verdict import judge

INDENT = "  "  # of what stands under a heading


@dataclass(frozen=True)
class Asked:
    """A request as judge.judge() takes it."""

    name: str
    bytes: int
    is_program: bool = False


def asked_by(need: NeedState, snapshot: Snapshot, state: BoardState) -> Asked:
    """The request that was judged to be `need` in this snapshot: with the pages of an exec, or without."""
    plain, program = Asked(need.name, need.bytes), Asked(need.name, need.bytes, True)
    judged = judge.judge(snapshot, state.page_bytes, plain, state.rule)
    return plain if judged == need else program


def request_lines(request: Asked, page_bytes: int) -> list[str]:
    """How many bytes make how large a block."""
    pages = -(-request.bytes // page_bytes)
    order = watermark.order_for(request.bytes, page_bytes)
    block = f"{counted(1 << order, 'page')} ({format_bytes(page_bytes << order)}; the kernel calls it order {order})"
    return wrapped(
        f"{one_line(request.name)} needs {request.bytes} bytes in one piece: {counted(pages, 'page')} of {page_bytes} "
        f"bytes. The kernel hands out memory in blocks of 1, 2, 4, 8 ... pages only, so it takes a block of {block}."
    )


def answer_lines(request: Asked, snapshot: Snapshot, state: BoardState) -> list[str]:
    """What the kernel would answer to the request in this snapshot, and the numbers that make it do so."""
    need = judge.judge(snapshot, state.page_bytes, request, state.rule)
    if need.verdict is None or need.order is None or state.page_bytes is None or state.rule is None:
        return wrapped(f"What the kernel would answer is not known: {why_unknown(state)}.")
    tests = _decisive_tests(request, need.order, snapshot, state.rule, at_low=need.verdict == watermark.TIGHT)
    lines = wrapped(_answer(need, tests, state.page_bytes, local_clock(snapshot.time)))
    if need.verdict != watermark.OK:
        lines += ["", *table_of_tests(tests, state.page_bytes)]
        if request.is_program:
            pages = counted(watermark.EXEC_PAGES, "single page")
            lines += wrapped(f"(counted without the {pages} that starting a program takes first)")
        if need.consequence == OOM_KILLER:
            lines += ["", *wrapped(oom_killer(state.page_bytes))]
    return lines


def lacks_memory(request: Asked, snapshot: Snapshot, state: BoardState) -> bool:
    """Whether it is not the pieces: even in one piece there would be too little."""
    need = judge.judge(snapshot, state.page_bytes, request, state.rule)
    if need.verdict in (None, watermark.OK) or need.order is None or state.rule is None:
        return False
    tests = _decisive_tests(request, need.order, snapshot, state.rule, at_low=need.verdict == watermark.TIGHT)
    return _all_too_little(tests)


def totals_lines(state: BoardState) -> list[str]:
    """Free memory in all, in one block, and in the largest block that the kernel would give away."""
    known = [
        ("free memory in all", state.free_bytes),
        ("largest free block", state.largest_free_block_bytes),
        ("largest block that the kernel would hand out", state.serviceable_bytes),
        ("caches that it might reclaim", state.reclaimable_bytes),
    ]
    return [f"{INDENT}{what + ':':<46}{value // 1024:>8} kB" for what, value in known if value is not None]


def snapshot_lines(
    recent: tuple[Snapshot, ...], facts: dict[str, str], state: BoardState, request: Asked | None
) -> list[str]:
    """The snapshots as a table, oldest first: free memory, the largest block to be had, the verdict, blocks by size."""
    answer = f"{one_line(request.name, 10):<11}" if request else ""
    lines = [f"{INDENT}{'time':<10}{'free kB':>8}{'grants kB':>11}  {answer}free blocks of 1, 2, 4 ... pages"]
    for snapshot in recent:
        judged = judge.board_state(snapshot, facts, [request] if request else [], state.rule, state.page_bytes)
        answer = f"{judged.needs[0].verdict or '?':<11}" if request else ""
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
        tests.append(watermark.trace(nr_free, order, mark, zone.reserve_pages, rule, zone.min_pages))
    return max(tests, key=_spare_pages)


def _spare_pages(tests: list[Test]) -> int:
    return min(held - demanded for _, held, demanded in tests)


def _answer(need: NeedState, tests: list[Test], page_bytes: int, clock: str) -> str:
    spare, margin = _spare_pages(tests), counted(need.margin_pages or 0, "page")
    if need.verdict == watermark.OK:
        return f"By the snapshot of {clock} the kernel would grant it, with {margin} to spare."
    if need.verdict == watermark.TIGHT:
        return (
            f"By the snapshot of {clock} the kernel would grant it only at its second try, out of the reserve that it "
            f"keeps for itself (down to the min mark), with {margin} to spare. At its first try (low mark) "
            f"{counted(-spare, 'page')} would be missing:"
        )
    return f"By the snapshot of {clock} the kernel would refuse it. {_reason(tests, need.order or 0, page_bytes)}"


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
