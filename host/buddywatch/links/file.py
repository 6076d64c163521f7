"""file:PATH and -: a recorded stream, such as what `buddyd --stdout` wrote; - is standard input, a pipe perhaps."""

from __future__ import annotations

import os
import sys

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.url import LinkUrl

READ_BYTES = 65536


class FileLink(Link):
    def __init__(self, url: LinkUrl) -> None:
        super().__init__(url.text)
        url.only()
        self._path = url.path
        if not self._path:
            raise LinkError(f"{url.text}: no path; expected file:PATH")
        self._descriptor = -1

    def start(self) -> None:
        try:
            self._descriptor = os.dup(sys.stdin.fileno()) if self._path == "-" else os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise LinkError(f"cannot be read ({error.strerror or error})") from error

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> bytes:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except OSError as error:
            self.ended = True
            raise LinkDown(f"cannot be read ({error.strerror or error})") from error
        if not data:
            self.ended = True
            raise LinkDown("read to its end")
        return data

    def write(self, data: bytes) -> int:
        return len(data)  # a recording does not answer

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
