"""How much of the memory that a kernel lists as reclaimable can really be freed. Pure.

A kernel lists the pages of files (Active(file), Inactive(file)) and the slabs of file names and inodes (SReclaimable).
A file in ramfs has its only copy there, and its name is pinned: both are freed only when the file is deleted.
Without an MMU a tmpfs is a ramfs (mm/shmem.c; SHMEM depends on MMU). Up to 4.15 such pages stay on the lists of file
pages until a scan meets them; from 4.16 on they go to Unevictable at once (mm/swap.c: 4.15.18 and 4.16.13 were read).
On a true 2.6.30 with a romfs and files in ramfs, 2472 kB were listed, and drop_caches freed 72 kB: cache of the ROM.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from buddyd import watermark

# Where files lie, as the hello's fact `files` names it.
RAM, ROM, DISK = "ram", "rom", "disk"
KINDS = (RAM, ROM, DISK)
_RAM_TYPES = ("ramfs", "tmpfs", "rootfs")
_ROM_TYPES = ("romfs", "cramfs", "squashfs")
_UNEVICTABLE_AT_ONCE_SINCE = (4, 16)


@dataclass(frozen=True)
class Reclaimable:
    """pages: what reclaim can free at best; ram_file_pages: also listed, but held by files in RAM.

    ram_file_pages is None if it is not known how much of `pages` they hold.
    """

    pages: int
    ram_file_pages: int | None


def reclaimable(
    listed_pages: int, files: Collection[str] | None, no_mmu: bool | None, release: str | None
) -> Reclaimable:
    """listed_pages: file pages and reclaimable slab, without Unevictable. files: where files lie, None: unknown."""
    version = watermark.version(release or "")
    if not no_mmu or (version is not None and version >= _UNEVICTABLE_AT_ONCE_SINCE):
        return Reclaimable(listed_pages, 0)
    if files is None or {RAM, DISK} <= set(files):
        return Reclaimable(listed_pages, None)
    if RAM in files:
        return Reclaimable(0, listed_pages)
    return Reclaimable(listed_pages, 0)


def files_of_fact(text: str | None) -> frozenset[str] | None:
    """The kinds in a hello's fact; None if it does not say."""
    kinds = frozenset((text or "?").split(",")) - {"-"}
    return kinds if kinds <= set(KINDS) else None


def fact_of(files: Collection[str] | None) -> str:
    """The hello's fact for these kinds."""
    return "?" if files is None else ",".join(kind for kind in KINDS if kind in files) or "-"


def files_of_mounts(mounts: Iterable[tuple[str, str, str]]) -> frozenset[str] | None:
    """The kinds of file systems in /proc/mounts: (source, folder, type) of each line. None if there is no line.

    A kernel always mounts a rootfs, which is a ramfs, below what is mounted on / later.
    """
    kinds, lines, root = set(), 0, ""
    for source, folder, kind in mounts:
        lines += 1
        root = kind if folder == "/" else root
        if kind in _RAM_TYPES:
            kinds |= {RAM} if kind != "rootfs" else set()
        elif kind in _ROM_TYPES:
            kinds.add(ROM)
        elif source.startswith(("/", "mtd", "ubi")) or ":" in source:
            kinds.add(DISK)
    return frozenset(kinds | ({RAM} if root == "rootfs" else set())) if lines else None
