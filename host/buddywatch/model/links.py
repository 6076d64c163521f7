"""What is known of one link to a board, apart from what the board sends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkHealth:
    """How well a link carries data. The counts start at 0 when the collector starts."""

    damaged_lines: int = 0  # lines that look like frames and do not pass the check
    dropped_bytes: int = 0  # of lines too long to be kept
    reasked_frames: int = 0  # requested again because a request did not bring them
    last_error: str = ""  # why the link was lost or cannot be opened; "" while it is up

    def with_more(self, damaged_lines: int, dropped_bytes: int) -> LinkHealth:
        """The same link after these were counted as well."""
        lines, dropped = self.damaged_lines + damaged_lines, self.dropped_bytes + dropped_bytes
        return LinkHealth(lines, dropped, self.reasked_frames, self.last_error)


@dataclass(frozen=True)
class LinkState:
    """A link that a board was seen on. since: when it went up or down, seconds since 1970."""

    url: str
    up: bool
    since: float
    health: LinkHealth = LinkHealth()
