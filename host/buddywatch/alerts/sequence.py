"""Puts the samples of one board into the order in which the board made them, whatever the order of arrival.

If frames are missing that the board may still hold, judging waits for them. After some time without progress it
continues after the hole. Frames that fill the hole later are judged apart (late.py), since newer ones have been judged.
The end of a boot is treated in the same way while a slower link may still bring it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from buddywatch.model.samples import Boot, Piece, Snapshot


class _BootQueue:
    """Pieces of one boot that are not judged yet. seq: the last frame judged; None: starts before the next piece."""

    def __init__(self, boot_id: str, seq: int | None = 0) -> None:
        self.boot_id = boot_id
        self._judged = seq
        self.highest = self.seq
        self._pieces: list[tuple[int, int, Piece]] = []  # (last frame, tie-breaker, piece), a heap
        self._pushed = 0

    @property
    def position(self) -> tuple[str, int] | None:
        return None if self._judged is None else (self.boot_id, self._judged)

    @property
    def seq(self) -> int:
        return self._judged or 0

    def push(self, piece: Piece) -> None:
        if self._judged is None:
            self._judged = piece.first - 1
        self._pushed += 1
        self.highest = max(self.highest, piece.last)
        heapq.heappush(self._pieces, (piece.last, self._pushed, piece))

    def passes(self, first: int, last: int) -> bool:
        """Frames that come right behind the judged ones, with nothing waiting, are judged now. False: they are not."""
        if self._pieces or self._judged is None or first != self._judged + 1:
            return False
        self._judged = self.highest = last
        return True

    def pop(self, over_holes: bool) -> Piece | None:
        """The next piece; None if there is none, or a hole before it."""
        if not self._pieces or (self.is_blocked and not over_holes):
            return None
        piece = heapq.heappop(self._pieces)[2]
        self._judged = max(self.seq, piece.last)
        return piece

    @property
    def has_pieces(self) -> bool:
        return bool(self._pieces)

    @property
    def is_blocked(self) -> bool:
        return bool(self._pieces) and self._pieces[0][2].first > self.seq + 1


class Sequence:
    """blocked_since_s: since when judging waits at a hole without progress; None if nothing waits."""

    def __init__(self) -> None:
        self.blocked_since_s: float | None = None
        self._queues: list[_BootQueue] = []  # the boot being judged, and those after it
        self._ids: set[str] = set()  # of all boots that began, also those that ended
        self._passed: dict[str, int] = {}
        self._endings: dict[str, int] = {}  # boots with a successor, of which frames may still come -> highest frame

    def begin(self, boot: Boot, seq: int = 0) -> bool:
        """A boot begins, already judged up to seq. False if it is known."""
        if boot.boot_id in self._ids:
            return False
        self._ids.add(boot.boot_id)
        self._queues.append(_BootQueue(boot.boot_id, seq))
        return True

    def go_on(self, boot_id: str) -> None:
        """A boot that seemed to be followed by another one is still running."""
        if boot_id not in self._ids or (self._queues and self._queues[-1].boot_id == boot_id):
            return
        queue = next((queue for queue in self._queues if queue.boot_id == boot_id), _BootQueue(boot_id, None))
        self._queues = [*(other for other in self._queues if other is not queue), queue]

    def end(self, boot_id: str, last: int) -> None:
        """Another boot follows, but frames of this one up to `last` may still come."""
        self._endings[boot_id] = last

    def close(self, boot_id: str) -> None:
        """No more frames of this boot will come."""
        self._endings.pop(boot_id, None)

    def know(self, boot_ids: Iterable[str]) -> None:
        """These boots were judged long ago."""
        self._ids.update(boot_ids)

    def add(self, boot_id: str, piece: Piece, monotonic_s: float) -> bool:
        """Frames of a boot came. False for those of an ended boot, or before the position: they come too late."""
        for queue in self._queues:
            if queue.boot_id == boot_id:
                if piece.last > queue.seq:
                    if piece.last < queue.highest and self.blocked_since_s is not None:
                        self.blocked_since_s = monotonic_s  # part of the hole was filled: wait for the rest
                    queue.push(piece)
                    return True
                return False
        return False

    def passes(self, snapshot: Snapshot) -> bool:
        """The ordinary case: it is the next snapshot of the only boot, and nothing waits. Then it counts as judged."""
        queues = self._queues
        if len(queues) != 1 or queues[0].boot_id != snapshot.boot_id or self.blocked_since_s is not None:
            return False
        return queues[0].passes(snapshot.first_seq, snapshot.seq)

    @property
    def position(self) -> tuple[str, int] | None:
        """(boot id, frame) of the last frame judged."""
        return self._queues[0].position if self._queues else None

    def take_passed(self) -> dict[str, int]:
        """Boots that judging left since the last call, and the last frame judged of each."""
        passed, self._passed = self._passed, {}
        return passed

    @property
    def has_waiting(self) -> bool:
        """True if ready() may yield something, or has to follow the boots."""
        queues = self._queues
        return len(queues) != 1 or queues[0].has_pieces or self.blocked_since_s is not None

    def ready(self, monotonic_s: float, patience_s: float) -> Iterator[tuple[str, Snapshot]]:
        """Yield what can be judged now, in order: (boot id, snapshot)."""
        since_s = self.blocked_since_s
        impatient = since_s is not None and monotonic_s - since_s >= patience_s
        while self._queues:
            queue, following = self._queues[0], self._queues[1:2]
            is_over = bool(following) and queue.boot_id not in self._endings
            while (piece := queue.pop(over_holes=impatient or is_over)) is not None:
                if piece.snapshot is not None:
                    yield queue.boot_id, piece.snapshot
            if not is_over and (not following or not following[0].has_pieces or (self._is_blocked and not impatient)):
                break
            self._passed[queue.boot_id] = queue.seq
            del self._queues[0]
        if not self._is_blocked:
            self.blocked_since_s = None
        elif self.blocked_since_s is None or impatient:
            self.blocked_since_s = monotonic_s

    @property
    def _is_blocked(self) -> bool:
        """True if pieces wait for missing frames before them, in their own boot or at the end of the one before."""
        if not self._queues:
            return False
        queue, following = self._queues[0], self._queues[1:2]
        lacks_end = queue.seq < self._endings.get(queue.boot_id, 0)
        return queue.is_blocked or (lacks_end and bool(following) and following[0].has_pieces)
