"""What a link is: a stream of bytes both ways that never waits."""

from __future__ import annotations


class LinkError(Exception):
    """A link that cannot be opened, or is written wrongly: one line that says what to do."""


class LinkDown(Exception):
    """The other side is gone: one line that says why."""


class Link:
    """start() begins to open it, LinkError if that fails at once; fileno() is what to poll until it is closed.

    A link that was lost or could not be opened is started again. ended: never to be started again (a recording at its
    end). is_passing: to be forgotten then (a caller that hung up).
    """

    is_passing = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.ended = False

    @property
    def is_connected(self) -> bool:
        """Whether a link that was started is really there; most are at once."""
        return True

    def start(self) -> None:
        raise NotImplementedError

    def fileno(self) -> int:
        raise NotImplementedError

    def read(self) -> bytes:
        """What has come, b"" if nothing; LinkDown."""
        raise NotImplementedError

    def write(self, data: bytes) -> int:
        """How many bytes were taken; LinkDown."""
        raise NotImplementedError

    def close(self) -> None:
        """May be called at any time, more than once."""
        raise NotImplementedError

    def accept(self) -> list[Link]:
        """New links that came in by this one, already started. Only one that listens has any."""
        return []
