"""The time at which a recorded stream was made: it ended when its file was last written.

The frames of a recording arrive all at once, so their arrival says nothing about the time; the boards' uptimes say how
long it took. So a recording is read twice: first for its length, then for what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from buddywatch.links.file import FileLink
from buddywatch.model.samples import Snapshot
from buddywatch.protocol.board_names import board_name
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import Hello
from buddywatch.protocol.line_stream import LinkSession, Text


class RecordedTime:
    """now: when the next data of the recording was sent, seconds since 1970. Not valid before is_measured."""

    def __init__(self, recording: FileLink) -> None:
        self.now = 0.0
        self.is_measured = False
        self._recording = recording
        self._session = LinkSession()
        self._trackers: dict[str, BoardTracker] = {}  # by the name of the board
        self._board = ""
        self._length_s = 0.0

    def measure(self) -> None:
        """Read one more piece for the length: a whole recording at once would stop all other links. LinkDown."""
        data = self._recording.read_ahead()
        for item in self._session.feed(data):
            if isinstance(item, Text):
                continue
            if isinstance(item, Hello) and "name" in item.facts:
                self._board = board_name(item.facts)
            tracker = self._trackers.setdefault(self._board, BoardTracker())
            self._length_s = _newest(self._length_s, tracker.take(item, self._length_s, False))
        if not data:
            self.now = self._recording.written - self._length_s
            self.is_measured = True
            self._trackers.clear()

    def saw(self, items: Iterable[object]) -> None:
        """Items that were decoded: time continues from the newest of them."""
        self.now = _newest(self.now, items)


def _newest(time: float, items: Iterable[object]) -> float:
    """The time of the newest snapshot, and at least `time`."""
    return max([time, *(item.time for item in items if isinstance(item, Snapshot))])
