"""Whether a program can start in a state: requests its blocks one after another, as the loader does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.judge import Answer, judge
from buddywatch.explain.request import Request
from buddywatch.kernel_text.state import State, Zone
from buddywatch.verdict.programs import Block

_RANKS = {watermark.REFUSED: 0, watermark.TIGHT: 1, watermark.OK: 2}


@dataclass(frozen=True)
class Piece:
    """One block that the loader requests, and the answer after the blocks before it are taken. None: not requested."""

    block: Block
    order: int
    answer: Answer | None


def start(state: State, blocks: list[Block], page_bytes: int) -> list[Piece]:
    """The pieces of an exec, up to the first failure. Shareable pieces are assumed to be shared.

    Where the lists of free blocks were cut, the worst and the best case must agree; else nothing is answered."""
    if state.is_whole:
        return _start_whole(state, blocks, page_bytes)
    worst = _start_whole(state.fewest_large(), blocks, page_bytes)
    best = _start_whole(state.most_large(), blocks, page_bytes)
    verdicts = [answer.verdict if (answer := decisive(pieces).answer) else None for pieces in (worst, best)]
    if verdicts[0] == verdicts[1]:
        return best if verdicts[0] == watermark.REFUSED else worst
    between = (verdicts[0] or "", verdicts[1] or "")
    return [
        replace(piece, answer=Answer(Request(piece.order), None, reasons.UNKNOWN, between=between)) for piece in worst
    ]


def _start_whole(state: State, blocks: list[Block], page_bytes: int) -> list[Piece]:
    left = replace(
        state, zones=[replace(z, nr_free=watermark.take_pages(z.nr_free, watermark.EXEC_PAGES)) for z in state.zones]
    )
    pieces, going = [], True
    for block in blocks:
        order = watermark.order_for(block.bytes, page_bytes)
        if block.shareable or not going:
            pieces.append(Piece(block, order, None))
            continue
        answer = judge(left, Request(order))
        pieces.append(Piece(block, order, answer))
        going = answer.verdict in (watermark.OK, watermark.TIGHT) and answer.zone is not None
        if going and answer.zone is not None:
            left = replace(left, zones=[_without(z, order) if z is answer.zone else z for z in left.zones])
    return pieces


def decisive(pieces: list[Piece]) -> Piece:
    """The piece that decides: the first that fails or is unknown, else the one with the smallest margin."""
    asked = [piece for piece in pieces if piece.answer is not None]
    return min(asked, key=lambda piece: _rank(piece.answer) if piece.answer else (9, 0))


def _rank(answer: Answer) -> tuple[int, int]:
    return _RANKS.get(answer.verdict or "", -1), answer.margin_pages or 0


def _without(zone: Zone, order: int) -> Zone:
    """The zone after the buddy allocator took a block of this order: the smallest large enough, split."""
    nr_free = list(zone.nr_free)
    source = next(candidate for candidate in range(order, len(nr_free)) if nr_free[candidate])
    nr_free[source] -= 1
    for half in range(order, source):
        nr_free[half] += 1
    return replace(zone, nr_free=nr_free)
