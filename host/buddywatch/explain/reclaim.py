"""How many pages reclaim could free for a request: in the zones that may serve it, and only what it can drop. Pure."""

from __future__ import annotations

from buddywatch.explain.request import Request
from buddywatch.kernel_text.state import State, Zone
from buddywatch.verdict.reclaim import Reclaimable, reclaimable


def reclaim_of(state: State, request: Request) -> Reclaimable | None:
    """What reclaim could free for the request; None if the text does not say what the kernel lists."""
    listed = _listed_pages(state, request)
    return None if listed is None else reclaimable(listed, state.files, state.kernel.no_mmu, state.kernel.release)


def _listed_pages(state: State, request: Request) -> int | None:
    """Clean file pages of the serving zones, and reclaimable slab; None if the text does not say.

    The file lists hold neither shmem nor unevictable pages (mm/swap.c); pages that are dirty or being written have to
    reach the disk first. The slab lies in zones that the kernel maps, which serve every request.
    """
    zones = [zone for zone in state.zones if zone.name in request.zone_names]
    told = [pages for zone in zones if (pages := _clean_file_pages(zone)) is not None]
    if not told:
        return state.reclaimable_pages
    by_zone = [zone.values["slab_reclaimable"] for zone in zones if "slab_reclaimable" in zone.values]
    slab = sum(by_zone) if by_zone else state.usage.get("slab_reclaimable", 0)
    return sum(told) + slab


def _clean_file_pages(zone: Zone) -> int | None:
    values = zone.values
    if "active_file" not in values or "inactive_file" not in values:
        return None
    dirty = values.get("writepending", values.get("dirty", 0) + values.get("writeback", 0))
    return max(values["active_file"] + values["inactive_file"] - dirty, 0)
