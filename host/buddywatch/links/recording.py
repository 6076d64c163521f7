"""The time at which a recorded stream was made: it ended when its file was last written.

The frames of a recording arrive all at once, so that their arrival tells nothing; the boards' uptimes tell how long it
took. It is read twice: the first time only for its length.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from buddywatch.model.samples import Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import Hello, board_name
from buddywatch.protocol.line_stream import LinkSession, Text

CHUNK_BYTES = 65536


class RecordedTime:
    """now: when what is read next was sent, seconds since 1970. OSError if the file cannot be read."""

    def __init__(self, path: str) -> None:
        self.now = os.stat(path).st_mtime - _duration_s(path)

    def saw(self, items: Iterable[object]) -> None:
        """These came of it: it goes on from the newest of them."""
        self.now = max([self.now, *(item.time for item in items if isinstance(item, Snapshot))])


def _duration_s(path: str) -> float:
    session, trackers, board, newest = LinkSession(), dict[str, BoardTracker](), "", 0.0
    with open(path, "rb") as file:
        while data := file.read(CHUNK_BYTES):
            for item in session.feed(data):
                if isinstance(item, Text):
                    continue
                if isinstance(item, Hello) and "name" in item.facts:
                    board = board_name(item.facts)
                tracker = trackers.setdefault(board, BoardTracker())
                times = (value.time for value in tracker.take(item, newest, False) if isinstance(value, Snapshot))
                newest = max([newest, *times])
    return newest
