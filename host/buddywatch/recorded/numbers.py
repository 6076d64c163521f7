"""Numbers in a recording: text in, value or None out."""

from __future__ import annotations

from buddywatch.protocol.bounds import WHOLE_MAX, whole_number


def whole(text: str) -> int | None:
    """A whole number that a snapshot can hold."""
    return whole_number(text.strip(), WHOLE_MAX)
