"""The kind of a request, from the kernel's flags: its zones, whether it can wait, which reserves it may use."""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

_DMA, _HIGHMEM, _DMA32, _MOVABLE, _WAIT, _HIGH = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20  # include/linux/gfp.h, 2.6.24 to 4.3
_DIRECT_RECLAIM_SINCE_44, _KSWAPD_RECLAIM_SINCE_44 = 0x400000, 0x2000000
# Flags of requests that cannot wait for reclaim, as 4.6 and later print them (include/trace/events/mmflags.h).
_NO_WAIT = {"GFP_ATOMIC", "GFP_NOWAIT", "__GFP_HIGH", "__GFP_KSWAPD_RECLAIM", "__GFP_ATOMIC", "GFP_TRANSHUGE_LIGHT"}
_WAITING = (
    "GFP_KERNEL",
    "GFP_KERNEL_ACCOUNT",
    "GFP_USER",
    "GFP_HIGHUSER",
    "GFP_HIGHUSER_MOVABLE",
    "GFP_NOFS",
    "GFP_NOIO",
    "GFP_TEMPORARY",
    "GFP_TRANSHUGE",
    "__GFP_DIRECT_RECLAIM",
    "__GFP_RECLAIM",
)


@dataclass(frozen=True)
class Request:
    """An order and the kind of request; the default is GFP_KERNEL. highest_zone: it and lower zones may serve it."""

    order: int
    can_wait: bool = True
    high: bool = False  # __GFP_HIGH: may take half of the reserve below min
    movable: bool = False  # may use CMA blocks
    highest_zone: str = "Normal"

    @property
    def zone_names(self) -> tuple[str, ...]:
        names = ("DMA", "DMA32", "Normal", "HighMem", "Movable")
        return names[: names.index(self.highest_zone) + 1]

    def effective(self, mark_pages: int) -> int:
        """The mark that the rule uses for it: gfp_to_alloc_flags(), __zone_watermark_ok(), ALLOC_HIGH, ALLOC_HARDER."""
        if self.high:
            mark_pages -= mark_pages // 2
        if not self.can_wait:
            mark_pages -= mark_pages // 4
        return mark_pages

    @property
    def ends_in_oom_killer(self) -> bool:
        return self.can_wait and self.order <= watermark.COSTLY_ORDER


def request_of(order: int, mode: int | None, names: str | None, rule: str | None) -> Request:
    """The request for the flags that the kernel printed; GFP_KERNEL if it printed none.

    The bits were renumbered in 4.4, which introduced __GFP_KSWAPD_RECLAIM; nearly every request has that flag.
    """
    if names:
        return _by_names(order, set(names.split("|")))
    if mode is None:
        return Request(order)
    since_44 = rule == "new" or mode & _KSWAPD_RECLAIM_SINCE_44
    can_wait = bool(mode & (_DIRECT_RECLAIM_SINCE_44 if since_44 else _WAIT))
    movable = mode & _MOVABLE and mode & _HIGHMEM
    highest = "Movable" if movable else "HighMem" if mode & _HIGHMEM else _low_zone(mode)
    return Request(order, can_wait, bool(mode & _HIGH), bool(mode & _MOVABLE), highest)


def _low_zone(mode: int) -> str:
    return "DMA" if mode & _DMA else "DMA32" if mode & _DMA32 else "Normal"


def _by_names(order: int, names: set[str]) -> Request:
    movable = bool(names & {"GFP_HIGHUSER_MOVABLE", "GFP_TRANSHUGE", "GFP_TRANSHUGE_LIGHT", "__GFP_MOVABLE"})
    highmem = movable or bool(names & {"GFP_HIGHUSER", "__GFP_HIGHMEM"})
    highest = "HighMem" if highmem else "Normal"
    if movable and names & {"GFP_HIGHUSER_MOVABLE", "GFP_TRANSHUGE", "GFP_TRANSHUGE_LIGHT", "__GFP_HIGHMEM"}:
        highest = "Movable"
    elif movable:
        highest = "Normal"
    if names & {"GFP_DMA", "__GFP_DMA"}:
        highest = "DMA"
    elif names & {"GFP_DMA32", "__GFP_DMA32"}:
        highest = "DMA32"
    can_wait = bool(names & set(_WAITING))
    return Request(order, can_wait, bool(names & {"GFP_ATOMIC", "__GFP_HIGH"}), movable, highest)
