"""The flags of a request (gfp_t): from the names that kernels print since 4.6, or from the number, by version.

The bits were read in include/linux/gfp.h (gfp_types.h from 6.1 on) of 2.6.30, 3.10, 4.9, 4.14, 4.19, 5.10, 6.1 and 7.x.
__GFP_WAIT, up to 4.3, is called DIRECT_RECLAIM here, as its successor is: the request may wait and reclaim.
"""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, int, int]
Span = tuple[Version, Version]  # both ends included

_ZONES = {"DMA": 0x1, "HIGHMEM": 0x2, "DMA32": 0x4}
_OLD = {
    "DIRECT_RECLAIM": 0x10, "HIGH": 0x20, "IO": 0x40, "FS": 0x80, "COLD": 0x100, "NOWARN": 0x200, "REPEAT": 0x400,
    "NOFAIL": 0x800, "NORETRY": 0x1000, "COMP": 0x4000, "ZERO": 0x8000, "NOMEMALLOC": 0x10000, "HARDWALL": 0x20000,
    "THISNODE": 0x40000, "RECLAIMABLE": 0x80000,
}  # fmt: skip
_MIDDLE = {
    "MOVABLE": 0x8, "RECLAIMABLE": 0x10, "HIGH": 0x20, "IO": 0x40, "FS": 0x80, "NOWARN": 0x200, "NOFAIL": 0x800,
    "NORETRY": 0x1000, "MEMALLOC": 0x2000, "COMP": 0x4000, "ZERO": 0x8000, "NOMEMALLOC": 0x10000, "HARDWALL": 0x20000,
    "THISNODE": 0x40000, "ATOMIC": 0x80000, "ACCOUNT": 0x100000,
}  # fmt: skip
_NEW = {
    "MOVABLE": 0x8, "RECLAIMABLE": 0x10, "HIGH": 0x20, "IO": 0x40, "FS": 0x80, "ZERO": 0x100, "DIRECT_RECLAIM": 0x400,
    "KSWAPD_RECLAIM": 0x800, "WRITE": 0x1000, "NOWARN": 0x2000, "RETRY_MAYFAIL": 0x4000, "NOFAIL": 0x8000,
    "NORETRY": 0x10000, "MEMALLOC": 0x20000, "COMP": 0x40000, "NOMEMALLOC": 0x80000, "HARDWALL": 0x100000,
    "THISNODE": 0x200000, "ACCOUNT": 0x400000,
}  # fmt: skip


@dataclass(frozen=True)
class Era:
    """The versions that number the flags alike."""

    first: Version
    last: Version
    bits: dict[str, int]
    others: int = 0  # bits of flags that do not matter here


ERAS = (
    Era((2, 6, 0), (2, 6, 30), _ZONES | _OLD | {"MOVABLE": 0x100000}),
    Era(
        (2, 6, 31), (4, 3, 999), _ZONES | _OLD | {"MOVABLE": 0x8, "MEMALLOC": 0x2000, "NO_KSWAPD": 0x400000}, 0x1B00000
    ),
    Era(
        (4, 4, 0),
        (4, 9, 999),
        _ZONES | _MIDDLE | {"COLD": 0x100, "REPEAT": 0x400, "DIRECT_RECLAIM": 0x400000, "KSWAPD_RECLAIM": 0x2000000},
        0x1A00000,
    ),
    Era(
        (4, 10, 0),
        (4, 16, 999),
        _ZONES
        | _MIDDLE
        | {"COLD": 0x100, "RETRY_MAYFAIL": 0x400, "DIRECT_RECLAIM": 0x400000, "KSWAPD_RECLAIM": 0x1000000},
        0x2A00000,
    ),
    Era(
        (4, 17, 0),
        (5, 0, 999),
        _ZONES
        | _MIDDLE
        | {"WRITE": 0x100, "RETRY_MAYFAIL": 0x400, "DIRECT_RECLAIM": 0x200000, "KSWAPD_RECLAIM": 0x400000},
        0x800000,
    ),
    Era((5, 1, 0), (6, 2, 999), _ZONES | _NEW | {"ATOMIC": 0x200}, 0xF800000),
    Era((6, 3, 0), (99, 0, 0), _ZONES | _NEW, 0xF800200),
)
_RENUMBERED: Version = (4, 4, 0)  # __GFP_WAIT became two flags
_KSWAPD_44 = 0x2000000  # in nearly every request of 4.4 to 4.9

_RECLAIM = frozenset({"DIRECT_RECLAIM", "KSWAPD_RECLAIM"})
_KERNEL = _RECLAIM | {"IO", "FS"}
_HIGHUSER = _KERNEL | {"HARDWALL", "HIGHMEM"}
_TRANSHUGE_LIGHT = (_HIGHUSER | {"MOVABLE", "COMP", "NOMEMALLOC", "NOWARN"}) - _RECLAIM
# include/trace/events/mmflags.h: the names that stand for several flags.
_COMPOSITES: dict[str, frozenset[str]] = {
    "GFP_TRANSHUGE": _TRANSHUGE_LIGHT | {"DIRECT_RECLAIM"},
    "GFP_TRANSHUGE_LIGHT": _TRANSHUGE_LIGHT,
    "GFP_HIGHUSER_MOVABLE": _HIGHUSER | {"MOVABLE"},
    "GFP_HIGHUSER": _HIGHUSER,
    "GFP_USER": _KERNEL | {"HARDWALL"},
    "GFP_TEMPORARY": _KERNEL | {"RECLAIMABLE"},
    "GFP_KERNEL_ACCOUNT": _KERNEL | {"ACCOUNT"},
    "GFP_KERNEL": _KERNEL,
    "GFP_NOFS": _RECLAIM | {"IO"},
    "GFP_ATOMIC": frozenset({"HIGH", "ATOMIC", "KSWAPD_RECLAIM"}),
    "GFP_NOIO": _RECLAIM,
    "GFP_NOWAIT": frozenset({"KSWAPD_RECLAIM"}),
    "GFP_DMA": frozenset({"DMA"}),
    "GFP_DMA32": frozenset({"DMA32"}),
    "__GFP_RECLAIM": _RECLAIM,
}


def flags_of(mode: int | None, names: str | None, span: Span) -> frozenset[str] | None:
    """The single flags without "__GFP_"; None if nothing is known. span: the versions that the kernel may have."""
    if names:
        return _by_names(names)
    if mode is None:
        return None
    eras = [era for era in ERAS if era.first <= span[1] and era.last >= span[0]] or list(ERAS)
    era = next((era for era in eras if _fits(mode, era)), eras[0])
    return frozenset(name for name, bit in era.bits.items() if mode & bit)


def span_of_mode(mode: int | None, names: str | None) -> Span | None:
    """The versions that number the flags so that the mode makes sense; None if it says nothing.

    A small number without names says nothing: it may be the rest of a larger one, whose line was cut.
    """
    if not mode or (not names and mode < _KSWAPD_44):
        return None
    named = _by_names(names) if names else None
    fitting = [era for era in ERAS if _fits(mode, era)]
    if named is not None:
        fitting = [era for era in fitting if era.first >= _RENUMBERED and _is_named(mode, era, named)]
    return (fitting[0].first, fitting[-1].last) if fitting else None


def _by_names(names: str) -> frozenset[str]:
    found: set[str] = set()
    for name in names.split("|"):
        found |= _COMPOSITES.get(name, frozenset({name.removeprefix("__GFP_")}))
    return frozenset(found)


def _is_named(mode: int, era: Era, named: frozenset[str]) -> bool:
    return all(bool(mode & era.bits[name]) for name in named if name in era.bits)


def _fits(mode: int, era: Era) -> bool:
    """True if all bits are known, requests that start I/O may wait, and from 4.4 on they wake kswapd."""
    known = era.others
    for bit in era.bits.values():
        known |= bit
    if mode & ~known:
        return False
    waits = bool(mode & era.bits["DIRECT_RECLAIM"])
    if mode & (era.bits["IO"] | era.bits["FS"]) and not waits:
        return False
    if era.first < _RENUMBERED:
        return True
    # Only requests for huge pages wait and do not wake kswapd; they have __GFP_NOWARN as well.
    return bool(mode & era.bits["KSWAPD_RECLAIM"]) or (waits and bool(mode & era.bits["NOWARN"]))
