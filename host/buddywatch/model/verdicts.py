"""What a snapshot means for a board: the verdict for each need, and the largest request that succeeds. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

FAILS = "fails"  # the request returns an error, and a program does not start
OOM_KILLER = "oom-killer"  # a request up to watermark.COSTLY_ORDER does not fail: the kernel kills a process for it


# Not frozen, as a Snapshot is not.
@dataclass(unsafe_hash=True)
class NeedState:
    """A need in a snapshot. margin_pages: at the min mark; negative if that many pages are missing.

    consequence: of a refusal, FAILS or OOM_KILLER; None if the page size, and so the order, is unknown.
    """

    name: str
    bytes: int
    order: int | None
    verdict: str | None
    margin_pages: int | None
    consequence: str | None


@dataclass(frozen=True)
class BoardState:
    """The verdict on a snapshot. serviceable_bytes: the largest block granted at the min mark, 0 for none.

    largest_free_block_bytes: in the zones that serve the kernel, granted or not. free_bytes: MemFree, or the sum of the
    free blocks on a board without meminfo. reclaimable_bytes: what reclaim can free at best. ram_file_bytes: files in
    RAM, which the kernel also lists as reclaimable although only deleting them frees them; None if it is not known how
    much of reclaimable_bytes they are.
    """

    rule: str | None
    page_bytes: int | None
    serviceable_bytes: int | None
    serviceable_low_bytes: int | None
    largest_free_block_bytes: int | None
    free_bytes: int | None
    reclaimable_bytes: int | None
    ram_file_bytes: int | None
    needs: tuple[NeedState, ...]
