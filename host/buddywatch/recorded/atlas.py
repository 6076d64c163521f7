"""What RIPE Atlas probes of the first generations report about their memory: JSON with the id 9001. No I/O.

Their applet (coreutils/buddyinfo.c of RIPE NCC's BusyBox) prints, in a line after the word RESULT, the time, the uptime
in seconds and the free blocks of the first zone. `freemem` is computed from these, for pages of 4 kB, so that it says
nothing more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from buddywatch.model.samples import Zone
from buddywatch.protocol.bounds import WHOLE_MAX
from buddywatch.protocol.layout import ORDERS_MAX
from buddywatch.recorded.pieces import Line, Piece, Reading, Unreadable

NAME = "RIPE Atlas JSON"
ZONE = "DMA"  # the first zone, and on these boards the only one
_KEY = "buddyinfo"
_MEMBER = re.compile(r'"buddyinfo"\s{0,4}:')


def recognises(head: Sequence[str]) -> bool:
    return any(_MEMBER.search(line) for line in head)


def pieces(lines: Iterable[Line], ended: float) -> Iterator[Piece]:
    """Objects in lines of their own, or one JSON value over all lines."""
    known = iter(lines)
    for line in known:
        text = line.text.strip()
        if text.startswith("["):
            rest = "\n".join([text, *(following.text for following in known)])
            yield from _read(line.number, rest)
        elif "{" in text:
            yield from _read(line.number, text[text.index("{") :])


def _read(number: int, text: str) -> Iterator[Piece]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Unreadable(number, f"JSON that is damaged ({error})")
        return
    for result in value if isinstance(value, list) else [value]:
        if isinstance(result, dict) and _KEY in result:
            yield _reading(number, result)


def _reading(number: int, result: dict[str, Any]) -> Piece:
    counts, time, uptime_s = result[_KEY], result.get("time", result.get("timestamp")), result.get("uptime")
    if (
        not isinstance(counts, list)
        or not 0 < len(counts) <= ORDERS_MAX
        or any(_whole(count) is None for count in counts)
    ):
        return Unreadable(number, f"{_KEY} that is no list of whole numbers")
    seconds, uptime_ms = _whole(time), _whole(uptime_s)
    if seconds is None and uptime_ms is None:
        return Unreadable(number, "neither time nor uptime")
    uptime_ms = None if uptime_ms is None else uptime_ms * 1000
    time_s = None if seconds is None else float(seconds)
    return Reading(number, time_s, uptime_ms, (Zone(0, ZONE, tuple(counts)),))


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and type(value) is int and 0 <= value <= WHOLE_MAX else None
