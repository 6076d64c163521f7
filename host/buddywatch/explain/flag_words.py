"""What the flags of a request mean for its failure, in words. Pure.

Documentation/core-api/memory-allocation.rst and include/linux/gfp_types.h; mm/page_alloc.c of 2.6.30, 3.10 and 6.1.
"""

from __future__ import annotations

from buddywatch.explain.request import Request

_MOST_NODES = 8
_GIVES_UP = (
    "The request gives up early (__GFP_NORETRY): the kernel tries once to reclaim and to compact, then refuses, "
    "without the OOM killer. Its caller has another way."
)
_MAY_FAIL = (
    "The request may fail (__GFP_RETRY_MAYFAIL): the kernel tries hard to reclaim, but refuses rather than call the "
    "OOM killer."
)
_ONE_NODE = (
    "Only one node may serve the request (__GFP_THISNODE), and the text does not say which: memory on the others does "
    "not count."
)


def zones_up_to(highest: str) -> str:
    """The zones that may serve a request by its mode, in words. Nothing is below zone DMA."""
    return f"the zone {highest}" if highest == "DMA" else f"the zone {highest} or below"


def asked_words(request: Request) -> str:
    """What the kernel may do for the request, and what it does not do; "" if the flags are usual or unknown."""
    flags = request.flags
    if flags is None:
        return ""
    parts = []
    if not request.can_wait:
        parts.append(_cannot_wait(request))
    else:
        # Of both the first wins: __alloc_pages_slowpath() leaves at __GFP_NORETRY before it looks at the second.
        parts += [words for flag, words in (("NORETRY", _GIVES_UP), ("RETRY_MAYFAIL", _MAY_FAIL)) if flag in flags][:1]
        parts += [_no_file_systems(flags)]
    if "THISNODE" in flags and request.nodes is None:
        parts.append(_ONE_NODE)
    if request.nodes:
        parts.append(f"Only {_named(request.nodes)} may serve it (its nodemask).")
    if request.highest_zone in ("DMA", "DMA32"):
        parts.append(f"It needs memory of {zones_up_to(request.highest_zone)}, for a device with short addresses.")
    if "NOFAIL" in flags:
        parts.append("It must not fail (__GFP_NOFAIL): the kernel tries for ever.")
    if "MEMALLOC" in flags:
        parts.append("It may use all free memory, whatever the marks (__GFP_MEMALLOC).")
    return " ".join(part for part in parts if part)


def _cannot_wait(request: Request) -> str:
    flags = request.flags or frozenset()
    text = "The request could not wait for reclaim"
    if request.harder:
        text += "; it may use a part of the reserve instead"
    elif "NOMEMALLOC" in flags:
        text += ", and may not use the reserve either"
    elif request.high:
        text += "; it may use a part of the reserve instead"
    else:
        text += ", and may use no part of the reserve: it is one that may fail"
    return text + "."


def _named(nodes: frozenset[int]) -> str:
    told = ", ".join(str(node) for node in sorted(nodes)[:_MOST_NODES])
    return f"{'node' if len(nodes) == 1 else 'the nodes'} {told}{' and more' if len(nodes) > _MOST_NODES else ''}"


def _no_file_systems(flags: frozenset[str]) -> str:
    if "FS" in flags:
        return ""
    what = "start no I/O (GFP_NOIO)" if "IO" not in flags else "call no file system (GFP_NOFS)"
    return f"Reclaim for it may {what}, so little can be freed for it."


def uncalled_words(request: Request) -> str:
    """That the OOM killer is not called for it, where its flags alone say so: kernels to 4.11 call it with __GFP_NOFAIL
    nevertheless, and print its header then."""
    flags = request.flags
    if flags is None or not request.can_wait or "FS" in flags or flags & {"NORETRY", "RETRY_MAYFAIL"}:
        return ""
    return "The OOM killer is not called for it."


def granted_words(request: Request) -> str:
    """Why a request was refused although it succeeds by the numbers, if its flags explain it."""
    flags = request.flags or frozenset()
    if "NORETRY" in flags:
        return (
            "That is how a request with __GFP_NORETRY ends: it gave up after one try to reclaim, and by the time that "
            "these numbers were taken there was enough."
        )
    if "THISNODE" in flags and request.nodes is None:
        return "It could be served by one node only (__GFP_THISNODE); the text does not say which."
    return ""


def granted_cause(request: Request) -> str:
    """The same in a few words."""
    flags = request.flags or frozenset()
    if "NORETRY" in flags:
        return "it gave up after one try to reclaim (__GFP_NORETRY); a moment later there was enough"
    if "THISNODE" in flags and request.nodes is None:
        return "one node alone could serve it (__GFP_THISNODE), and the text does not say which"
    return ""


def granted_advice(request: Request) -> str:
    """What to do first about it."""
    if "NORETRY" in (request.flags or ()):
        return "nothing, unless what asked for it failed: such a request has a substitute"
    return ""
