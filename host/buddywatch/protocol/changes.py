"""The changes in a frame's body. No I/O.

Boards send few different bodies: most polls change the same few numbers by one or two. So what a short body means is
kept, and decoded again only after many others.
"""

from __future__ import annotations

from functools import lru_cache

BODY_MAX = 24  # digits of bodies that are kept: a longer one, such as a key frame's, hardly ever comes again
WIDTH_MAX = 256  # of vectors whose bodies are kept: to find the changes of a wide one takes longer than to decode it
KEPT_MAX = 16_384  # bodies of all boards, 300 bytes each


def apply_whole(body: bytes, vector: list[int]) -> None:
    """Add the changes of a whole snapshot to its vector: what wire_read.apply_changes(body, vector, 0) does.

    ValueError: not a body, or longer than the vector. The vector is then partly changed.
    """
    if len(body) > BODY_MAX or len(vector) > WIDTH_MAX:
        _apply(body, vector)
        return
    for column, change in _changes(body, len(vector)):
        vector[column] += change


@lru_cache(maxsize=KEPT_MAX)
def _changes(body: bytes, width: int) -> tuple[tuple[int, int], ...]:
    changes = [0] * width
    _apply(body, changes)
    return tuple((column, change) for column, change in enumerate(changes) if change)


def _apply(body: bytes, vector: list[int]) -> None:
    from buddyd import wire_read  # here, as commands that read no journal need none of the wire

    wire_read.apply_changes(body, vector, 0)
