"""A recorded stream: what an agent sent, as `collect -`, a terminal program or `export --stream` wrote it. No I/O.

The wire has uptimes only, so a recording ended when its file was last written, and a first pass measures how long it
took. An export says the times itself, in facts of its hellos: see exact_times.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from buddywatch.model.batch import StoredEvent
from buddywatch.model.samples import Boot, BootEnd, ConsoleLine, Event, Gap, Snapshot
from buddywatch.protocol.board_names import board_name
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.frame import Hello
from buddywatch.protocol.line_stream import Item, LinkSession, Text
from buddywatch.recorded.pieces import Line, Unreadable

NAME = "stream"
_UNKNOWN = ""  # the board before its first hello
Streamed = Boot | BootEnd | Snapshot | Event | StoredEvent | Gap | ConsoleLine | Unreadable


def recognises(head: Sequence[str]) -> bool:
    """True if these first lines have a valid frame that says which boot it is of."""
    session = LinkSession()
    for line in head:
        session.feed(line.encode() + b"\n")
        if session.boot_id is not None:
            return True
    return False


def boards_of(lines: Iterable[Line]) -> list[str]:
    """The names that boards have in a stream."""
    names = dict.fromkeys(
        board_name(item.facts)
        for _, items in _items(lines, LinkSession())
        for item in items
        if isinstance(item, Hello) and "name" in item.facts
    )
    return list(names)


def read_stream(
    lines: Callable[[], Iterator[Line]], ended: float, tracker_of: Callable[[str], BoardTracker]
) -> Iterator[tuple[str, Streamed]]:
    """What boards sent, with their names, in the order of the stream. tracker_of: where a board's data go on."""
    length_s = 0.0
    for _, item in _streamed(lines(), 0.0, lambda name: BoardTracker()):
        length_s = max(length_s, item.time) if isinstance(item, Snapshot) else length_s
    return _streamed(lines(), ended - length_s, tracker_of)


def _streamed(
    lines: Iterable[Line], start: float, tracker_of: Callable[[str], BoardTracker]
) -> Iterator[tuple[str, Streamed]]:
    """start: when the first line came. Trackers of their own tell the time: one that goes on skips what is known."""
    session = LinkSession()
    clocks: dict[str, BoardTracker] = {}
    trackers: dict[str, BoardTracker] = {}
    name, now, damaged = _UNKNOWN, start, 0
    orphans: list[Text] = []
    for line, items in _items(lines, session):
        if session.damaged > damaged:
            damaged = session.damaged
            yield name, Unreadable(line, "a damaged frame, in this line or shortly before it")
        for item in items:
            if isinstance(item, Text):
                orphans.append(item)
                continue
            if isinstance(item, Hello) and "name" in item.facts:
                name = board_name(item.facts)
            tracker = trackers.get(name)
            if tracker is None:
                tracker = trackers[name] = tracker_of(name)
            for value in tracker.take(item, now, False):
                yield name, value
            for value in clocks.setdefault(name, BoardTracker()).take(item, now, False):
                now = max(now, value.time) if isinstance(value, Snapshot) else now
        if name is not _UNKNOWN:
            for text in orphans:
                yield from ((name, value) for value in _of_console(text.text, now, trackers[name]))
            orphans.clear()


def _of_console(text: str, now: float, tracker: BoardTracker) -> Iterator[ConsoleLine | Event]:
    """A line that is no frame, and the kernel's failure in it."""
    yield ConsoleLine(now, text)
    message, boot = kernel_message(text), tracker.boot
    if message is not None and boot is not None:
        found, stamp_cs, line = message
        uptime_ms = None if stamp_cs is None else stamp_cs * 10
        time = now if uptime_ms is None else min(now, boot.started + uptime_ms / 1000)
        yield Event(boot.boot_id, None, time, uptime_ms, *found, line)


def _items(lines: Iterable[Line], session: LinkSession) -> Iterator[tuple[int, list[Item]]]:
    number = 0
    for line in lines:
        number = line.number
        end = b"\n" if line.is_whole else b""
        yield number, list(session.feed(line.text.encode("utf-8", "backslashreplace") + end))
    yield number, list(session.close())
