"""What a snapshot means for a board: each need's verdict, and what its kernel would hand out. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

FAILS = "fails"  # the request returns an error, and a program does not start
OOM_KILLER = "oom-killer"  # a request up to watermark.COSTLY_ORDER does not fail: some process is killed for it


@dataclass(frozen=True)
class NeedState:
    """A need in a snapshot. margin_pages is that at the min mark; negative: so many pages are missing.

    consequence: what a refusal brings, FAILS or OOM_KILLER; None where the page size and so the order is unknown.
    """

    name: str
    bytes: int
    order: int | None
    verdict: str | None
    margin_pages: int | None
    consequence: str | None


@dataclass(frozen=True)
class BoardState:
    """A snapshot judged. serviceable_bytes: largest block granted at the min mark, 0 for none.

    largest_free_block_bytes is that of the zones which serve the kernel, granted or not. free_bytes is MemFree, on a
    board without meminfo what lies in free blocks. reclaimable_bytes: what reclaim can free at best. ram_file_bytes:
    what the kernel lists as reclaimable, too, though it lies in files in RAM and goes only when they are deleted; None
    where it is not known how much of reclaimable_bytes that is.
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
