"""The kind of a request, from the kernel's flags: its zones, whether it can wait, which reserves it may use, and what
the kernel does when it cannot serve it."""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

from buddywatch.kernel_text import versions
from buddywatch.kernel_text.gfp import Span, flags_of

# From 4.4 on a request that cannot wait needs __GFP_ATOMIC for more of the reserve; 6.3 dropped that flag.
_ATOMIC_SPLIT, _HIGH_ALONE = (4, 4, 0), (6, 3, 0)
_KERNEL = frozenset({"DIRECT_RECLAIM", "IO", "FS"})
_ANY: Span = (versions.FIRST, versions.LAST)


@dataclass(frozen=True, slots=True)
class Request:
    """An order and the kind of request; the default is GFP_KERNEL. highest_zone: it and lower zones may serve it.

    flags: the single flags without "__GFP_", None if the text has none. nodes: those that may serve it; None: any.
    """

    order: int
    can_wait: bool = True
    high: bool = False  # __GFP_HIGH: may take half of the reserve below min
    movable: bool = False  # may use CMA blocks
    highest_zone: str = "Normal"
    harder: bool = False  # may take a quarter more (ALLOC_HARDER), and blocks reserved for atomic requests
    flags: frozenset[str] | None = None
    nodes: frozenset[int] | None = None

    @property
    def is_for_one_node(self) -> bool:
        """True if one node must serve it that the text does not name (__GFP_THISNODE)."""
        return "THISNODE" in (self.flags or ()) and self.nodes is None

    @property
    def zone_names(self) -> tuple[str, ...]:
        names = ("DMA", "DMA32", "Normal", "HighMem", "Movable")
        return names[: names.index(self.highest_zone) + 1]

    @property
    def ignores_marks(self) -> bool:
        """True if it may use every free page: __GFP_MEMALLOC, ALLOC_NO_WATERMARKS (gfp_to_alloc_flags())."""
        flags = self.flags or frozenset()
        return "MEMALLOC" in flags and "NOMEMALLOC" not in flags

    def effective(self, mark_pages: int) -> int:
        """The mark that the rule uses for it: gfp_to_alloc_flags(), __zone_watermark_ok(), ALLOC_HIGH, ALLOC_HARDER."""
        if self.ignores_marks:
            return 0
        if self.high:
            mark_pages -= mark_pages // 2
        if self.harder:
            mark_pages -= mark_pages // 4
        return mark_pages

    @property
    def ends_in_oom_killer(self) -> bool:
        """__alloc_pages_may_oom() and what stands before it, mm/page_alloc.c of 2.6.30, 3.10, 6.1; out_of_memory()."""
        flags = _KERNEL if self.flags is None else self.flags
        if not self.can_wait or self.order > watermark.COSTLY_ORDER or self.highest_zone in ("DMA", "DMA32"):
            return False
        return "FS" in flags and not flags & {"NORETRY", "RETRY_MAYFAIL", "THISNODE"}


def request_of(
    order: int, mode: int | None, names: str | None, span: Span = _ANY, nodes: frozenset[int] | None = None
) -> Request:
    """The request for the flags that the kernel printed; GFP_KERNEL if it printed none.

    mode 0: the OOM killer of a page fault, whose own request is not printed. span: the versions that it may be from.
    """
    flags = flags_of(mode, names, span) if mode or names else None
    if flags is None:
        return Request(order, nodes=nodes)
    can_wait = "DIRECT_RECLAIM" in flags
    movable = "MOVABLE" in flags
    return Request(
        order,
        can_wait,
        high="HIGH" in flags,
        movable=movable,
        highest_zone=_highest_zone(flags),
        harder=_is_harder(flags, span, bool(names)),
        flags=flags,
        nodes=nodes,
    )


def _highest_zone(flags: frozenset[str]) -> str:
    """gfp_zone(): the highest zone that may serve it; Movable needs __GFP_HIGHMEM as well."""
    if "DMA" in flags:
        return "DMA"
    if "DMA32" in flags:
        return "DMA32"
    if "HIGHMEM" in flags:
        return "Movable" if "MOVABLE" in flags else "HighMem"
    return "Normal"


def _is_harder(flags: frozenset[str], span: Span, has_names: bool) -> bool:
    """gfp_to_alloc_flags(): to 4.3 what cannot wait and wakes kswapd; then __GFP_ATOMIC; from 6.3 on __GFP_HIGH."""
    if "NOMEMALLOC" in flags or "DIRECT_RECLAIM" in flags:
        return False
    if span[0] >= _HIGH_ALONE:
        return "HIGH" in flags
    if has_names or span[0] >= _ATOMIC_SPLIT or "KSWAPD_RECLAIM" in flags:
        return "ATOMIC" in flags
    return "NO_KSWAPD" not in flags
