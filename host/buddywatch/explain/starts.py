"""Whether a failed request was the start of a program or an mmap of one that runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.explain.case import Case


def mark_starts(failures: Sequence[Case]) -> None:
    """Set Case.is_start if the text shows it.

    The loader prints its own line after a failed start (fs/binfmt_flat.c). A process whose start failed asks for
    nothing more, so one that asks for several sizes runs already.
    """
    sizes: dict[tuple[str | None, int], set[int]] = {}
    for case in failures:
        key = _process(case)
        if key and case.requested_bytes:
            sizes.setdefault(key, set()).add(case.requested_bytes)
    for case in failures:
        message, key = case.message, _process(case)
        if message is not None and message.for_what:
            case.is_start = True
        elif key and len(sizes.get(key, ())) > 1:
            case.is_start = False


def holds_text(case: Case) -> bool:
    """True if the block was for the program's text as well: a copy in RAM, mostly the larger part of it."""
    return "text/data" in ((case.message.for_what if case.message else None) or "")


def how_smaller(case: Case) -> str:
    """What makes a program's block smaller, in brackets."""
    return (
        "fewer applets: most of its block is text" if holds_text(case) else "fewer applets, less stack by `flthdr -s`"
    )


def _process(case: Case) -> tuple[str | None, int] | None:
    message = case.message
    if message is None or message.pid is None or "alloc" not in message.kinds:
        return None
    return case.name, message.pid
