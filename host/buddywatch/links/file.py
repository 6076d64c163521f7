"""file:PATH and -: a recorded stream, or the output of another program."""

from __future__ import annotations

import os
import select
import stat

from buddywatch.links.base import NEVER, LinkDown, LinkError, why

READ_BYTES = 4096  # 70 to 370 frames: what one read brings is decoded in about 15 ms


class FileLink:
    """It ends at the end of the file. Nothing answers, so what is written is dropped.

    written: when the file was last written, seconds since 1970.
    """

    flows_unasked = True
    takes_requests = has_human_side = False
    wants_write = False
    wake_s = NEVER

    def __init__(self, url: str, path: str) -> None:
        self.url = url
        self._path = path
        self._descriptor: int | None = None
        self.written = 0.0
        self._waits = False  # a pipe or a terminal, where more may arrive later
        self._ahead = 0  # the position of read_ahead()

    @property
    def up(self) -> bool:
        return self._descriptor is not None

    @property
    def is_recording(self) -> bool:
        """True for a complete file; False for a pipe or a terminal, where more may arrive."""
        return not self._waits

    def fileno(self) -> int | None:
        return self._descriptor if self._waits else None

    def start(self) -> None:
        try:
            self._descriptor = self._open()
            status = os.fstat(self._descriptor)
            mode = status.st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(0, "a folder, expected a recorded stream")
        except OSError as error:
            self.close()
            raise LinkError(f"{self.url}: {why(error)}") from None
        self._waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(self._descriptor)
        self.written = status.st_mtime
        self._ahead = 0 if self._waits else os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def read(self) -> bytes:
        if self._descriptor is None:
            return b""
        try:
            if self._waits and not self._is_ready(self._descriptor):
                return b""
            data = os.read(self._descriptor, READ_BYTES)
        except OSError as error:
            raise self._broken(error) from None
        if not data:
            self.close()
            raise LinkDown(f"{self.url}: end of the recording", ended=True)
        return data

    def read_ahead(self) -> bytes:
        """The next piece of a recording without taking it from read(); b"" at the end. LinkDown."""
        if self._descriptor is None:
            return b""
        try:
            data = os.pread(self._descriptor, READ_BYTES, self._ahead)
        except OSError as error:
            raise self._broken(error) from None
        self._ahead += len(data)
        return data

    def write(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _broken(self, error: OSError) -> LinkDown:
        self.close()
        return LinkDown(f"{self.url}: {why(error)}", ended=True)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)

    @staticmethod
    def _is_ready(descriptor: int) -> bool:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(0))


class StdinLink(FileLink):
    """Standard input, through a copy of its descriptor: the original is neither closed nor made non-blocking."""

    def __init__(self, url: str = "-") -> None:
        super().__init__(url, "/dev/stdin")

    def _open(self) -> int:
        return os.dup(0)
