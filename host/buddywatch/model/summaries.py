"""What is kept of many snapshots: minimum, sum and maximum of every value in a step of time. Plain values."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

Range = tuple[int, int, int]  # minimum, sum, maximum


class Summary(NamedTuple):
    """The snapshots of one boot within step_s from `time` on (a multiple of step_s since 1970).

    columns: of each number of the wire behind the first (the layout of the boot names them). free_pages: in all zones,
    as in Snapshot. serviceable_pages: of the largest request that succeeds by `rule`, 0 for none; None if the rule or
    the marks are not known.

    held: the lowest number of pages in blocks of at least each order, in the only zone that serves the kernel; left:
    the same after an exec has taken its single pages. Empty where several zones serve the kernel. Where the kernel
    counts pages beside those in blocks (Zone.beside_pages), they are in the numbers for which `rule` asks its counter.
    """

    boot_id: str
    time: int
    step_s: int
    samples: int
    first_seq: int
    seq: int
    uptime_ms: int  # of the last snapshot
    columns: tuple[Range, ...]
    free_pages: Range
    serviceable_pages: Range | None
    rule: str | None
    held: tuple[int, ...]
    left: tuple[int, ...]


def merged(one: Summary, later: Summary, time: int, step_s: int) -> Summary:
    """Two summaries of the same boot as one, in a step that holds both.

    Which of them begins and which ends with its frames is not said: what came late may lie within the other one.
    """
    last = max(one, later, key=attrgetter("seq"))
    serviceable = None
    if one.rule == later.rule and one.serviceable_pages and later.serviceable_pages:
        serviceable = _joined(one.serviceable_pages, later.serviceable_pages)
    same = len(one.held) == len(later.held)
    return Summary(
        boot_id=one.boot_id,
        time=time,
        step_s=step_s,
        samples=one.samples + later.samples,
        first_seq=min(one.first_seq, later.first_seq),
        seq=last.seq,
        uptime_ms=last.uptime_ms,
        columns=tuple(map(_joined, one.columns, later.columns)),
        free_pages=_joined(one.free_pages, later.free_pages),
        serviceable_pages=serviceable,
        rule=one.rule if one.rule == later.rule else None,
        held=tuple(map(min, one.held, later.held)) if same else (),
        left=tuple(map(min, one.left, later.left)) if same else (),
    )


def _joined(one: Range, later: Range) -> Range:
    return min(one[0], later[0]), one[1] + later[1], max(one[2], later[2])
