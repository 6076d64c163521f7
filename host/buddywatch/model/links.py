"""What is known about one link to a board, apart from the board's data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkHealth:
    """How well a link carries data. The counts start at 0 when the collector starts."""

    damaged_lines: int = 0  # lines that look like frames but fail the check
    dropped_bytes: int = 0  # of lines that were too long
    reasked_frames: int = 0  # requested again because a request did not bring them
    last_error: str = ""  # why the link was lost or cannot be opened; "" while it is up

    def with_more(self, damaged_lines: int, dropped_bytes: int) -> LinkHealth:
        """The health with these counts added."""
        lines, dropped = self.damaged_lines + damaged_lines, self.dropped_bytes + dropped_bytes
        return LinkHealth(lines, dropped, self.reasked_frames, self.last_error)


@dataclass(frozen=True)
class UnheardLink:
    """A link over which no board was heard since the collector started. is_up: it is open, but no agent answers.

    last_error: why it cannot be opened, or was lost; "" while it is up.
    """

    url: str
    is_up: bool
    last_error: str


@dataclass(frozen=True)
class LinkState:
    """A link that a board was seen on. since: when it went up or down, seconds since 1970."""

    url: str
    up: bool
    since: float
    health: LinkHealth = LinkHealth()
