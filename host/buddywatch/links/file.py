"""file:PATH and -: a stream that was recorded, or that comes from another program."""

from __future__ import annotations

import os
import select
import stat

from buddywatch.links.base import LinkDown, LinkError, why

READ_BYTES = 65536


class FileLink:
    """It ends where the file ends. Nobody is there to answer: what is written is taken and forgotten."""

    flows_unasked = True
    takes_requests = has_human_side = False
    wants_write = False

    def __init__(self, url: str, path: str) -> None:
        self.url = url
        self._path = path
        self._descriptor: int | None = None
        self._waits = False  # a pipe or a terminal, of which more may come later

    @property
    def up(self) -> bool:
        return self._descriptor is not None

    @property
    def recorded_path(self) -> str | None:
        """The file, where all of it is there already; None for a pipe or a terminal, of which more may come."""
        return None if self._waits else self._path

    def fileno(self) -> int | None:
        return self._descriptor if self._waits else None

    def start(self) -> None:
        try:
            self._descriptor = self._open()
            mode = os.fstat(self._descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(0, "a folder, expected a recorded stream")
        except OSError as error:
            self.close()
            raise LinkError(f"{self.url}: {why(error)}") from None
        self._waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(self._descriptor)

    def read(self) -> bytes:
        if self._descriptor is None:
            return b""
        try:
            if self._waits and not self._is_ready(self._descriptor):
                return b""
            data = os.read(self._descriptor, READ_BYTES)
        except OSError as error:
            self.close()
            raise LinkDown(f"{self.url}: {why(error)}", ended=True) from None
        if not data:
            self.close()
            raise LinkDown(f"{self.url}: end of the recording", ended=True)
        return data

    def write(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)

    @staticmethod
    def _is_ready(descriptor: int) -> bool:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(0))


class StdinLink(FileLink):
    """Standard input, as a copy of its descriptor: the original is not closed, nor made non-blocking for others."""

    def __init__(self, url: str = "-") -> None:
        super().__init__(url, "/dev/stdin")

    def _open(self) -> int:
        return os.dup(0)
