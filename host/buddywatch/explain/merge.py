"""Which free blocks would have to be joined for a request to succeed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buddyd import watermark

from buddywatch.explain.judge import Answer, margin_of, tests_of


@dataclass(frozen=True)
class Merge:
    """`blocks` blocks of the request's order would have to be made of these free ones: (order, count)."""

    blocks: int
    pieces: tuple[tuple[int, int], ...]


def merge_plan(answer: Answer) -> Merge | None:
    """How many more blocks of its order the request needs, and the smaller ones to join for them; None: impossible."""
    zone, rule, order = answer.zone, answer.rule, answer.request.order
    if answer.is_bound or zone is None or rule is None or zone.min_pages is None or order >= len(zone.nr_free):
        return None
    mark = answer.request.effective(zone.min_pages)
    most = (watermark.free_pages(zone.nr_free) - watermark.pages_from(zone.nr_free, order)) >> order
    for blocks in _doubling(most):
        if _passes_merged(answer, blocks, mark):
            least = _least_merged(answer, blocks // 2, blocks, mark)
            return Merge(least, tuple(_pieces(zone.nr_free, order, least)))
    return None


def _doubling(most: int) -> list[int]:
    counts, count = [], 1
    while count < most:
        counts.append(count)
        count *= 2
    return [*counts, most] if most else []


def _least_merged(answer: Answer, too_few: int, enough: int, mark: int) -> int:
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if _passes_merged(answer, middle, mark):
            enough = middle
        else:
            too_few = middle
    return enough


def _passes_merged(answer: Answer, blocks: int, mark: int) -> bool:
    zone, order = answer.zone, answer.request.order
    if zone is None or answer.rule is None:
        return False
    nr_free = list(zone.nr_free)
    for piece_order, count in _pieces(nr_free, order, blocks):
        nr_free[piece_order] -= count
    nr_free[order] += blocks
    letters: list[str | None] = [None] * len(nr_free) if blocks else zone.letters
    merged = replace(zone, nr_free=nr_free, letters=letters)
    return margin_of(tests_of(merged, answer.request, mark, answer.reserve, answer.rule)) >= 0


def _pieces(nr_free: list[int], order: int, blocks: int) -> list[tuple[int, int]]:
    """The largest smaller blocks that together make `blocks` of the order. Sizes halve, so they fit exactly."""
    pages, pieces = blocks << order, []
    for piece_order in range(order - 1, -1, -1):
        count = min(nr_free[piece_order], pages >> piece_order)
        if count:
            pieces.append((piece_order, count))
            pages -= count << piece_order
    return pieces
