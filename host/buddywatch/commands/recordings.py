"""Opens recorded files for the commands that read them, and the flags that they share."""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Self

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import checked, kilobytes, page_kb, release
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import board_name
from buddywatch.recorded.formats import HEAD_LINES, Source, format_of
from buddywatch.recorded.pieces import Flags, Line, RecordedError
from buddywatch.recorded.wire_stream import Streamed
from buddywatch.text.escape import escaped
from buddywatch.text.units import parse_duration

_SQLITE = b"SQLite format 3\0"
_GZIP = b"\x1f\x8b"
_LINE_MAX = 1 << 20  # bytes: a longer line is cut there, and read as several
_SPOOL_BYTES = 1 << 20


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What a recording may not say about its board."""
    parser.add_argument("--kernel", metavar="RELEASE", type=release, help="as `uname -r` prints it")
    parser.add_argument("--page-kb", metavar="N", type=page_kb, help="the page size")
    parser.add_argument("--min-kb", metavar="N", type=kilobytes, help="the min mark of the zone that serves the kernel")
    parser.add_argument("--low-kb", metavar="N", type=kilobytes, help="its low mark (default: min and a quarter)")
    spacing = "the spacing of readings without dates, such as 5 or 1m"
    parser.add_argument("--interval", metavar="SECONDS", type=_interval_s, help=spacing)


def flags_of(args: argparse.Namespace) -> Flags:
    page_bytes = None if args.page_kb is None else args.page_kb * 1024
    return Flags(args.kernel, page_bytes, args.min_kb, args.low_kb, args.interval)


class RecordedFile:
    """A recorded file, or standard input ("-"). It can be read several times, also if it is a pipe or compressed.

    written: when it was last written, seconds since 1970; of a pipe: now. board: the name that it gives to its board.
    """

    def __init__(self, path: str) -> None:
        """CommandError."""
        self.name = "standard input" if path == "-" else escaped(path)
        self.board = _board_of(path)
        try:
            self._file, self.written = _opened(path)
            self._bytes = os.fstat(self._file.fileno()).st_size
            self.head = [line.text for line in islice(self.lines(), HEAD_LINES)]
        except (OSError, EOFError) as error:
            raise self._unreadable(error) from None

    def lines(self) -> Iterator[Line]:
        """Its lines from the start. CommandError."""
        try:
            self._file.seek(0)
            number = 0
            while raw := self._file.readline(_LINE_MAX):
                number += 1
                text = raw.rstrip(b"\n").decode("utf-8", "backslashreplace")
                yield Line(number, text, raw.endswith(b"\n"))
        except (OSError, EOFError) as error:
            raise self._unreadable(error) from None

    @property
    def share_read(self) -> float:
        """How much of the file was read the last time, 0 to 1; of a compressed one, of its first bytes."""
        return min(1.0, self._file.tell() / self._bytes) if self._bytes else 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def _unreadable(self, error: Exception) -> CommandError:
        reason = getattr(error, "strerror", None) or error
        return CommandError(f"{self.name}: cannot be read ({reason}); give a file, or - for standard input")


def _opened(path: str) -> tuple[IO[bytes], float]:
    """The file, and when it was written; a pipe is copied to a temporary file first."""
    descriptor = os.dup(sys.stdin.fileno()) if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    file: IO[bytes] = os.fdopen(descriptor, "rb")
    status = os.fstat(descriptor)
    written = status.st_mtime
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(0, "a folder, expected a file")
    if not stat.S_ISREG(status.st_mode):
        written = time.time()
        with file, tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, _SPOOL_BYTES)
            file = os.fdopen(os.dup(copy.fileno()), "rb")
            file.seek(0)
    is_compressed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return (gzip.GzipFile(fileobj=file, mode="rb") if is_compressed else file), written  # type: ignore[return-value]


def items_of(
    file: RecordedFile, flags: Flags, board: str | None, tracker_of: Callable[[str], BoardTracker] | None = None
) -> Iterator[tuple[str, Streamed]]:
    """What a recording holds, with the names of its boards. tracker_of: see Source. CommandError."""
    source = Source(file.lines, file.head, file.written, flags, board, file.board)
    if tracker_of is not None:
        source = replace(source, tracker_of=tracker_of)
    try:
        yield from format_of(file.head).read(source)
    except RecordedError as error:
        raise CommandError(f"{file.name}: {error}") from None


def is_database(path: str) -> bool:
    """True for a file of SQLite."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _board_of(path: str) -> str:
    """The name of a board whose recording does not say it: the file's name without what follows its first dot."""
    return board_name({"name": "" if path == "-" else Path(path).name.partition(".")[0]})


@checked
def _interval_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float(parse_duration(text))
    if not 0.01 <= seconds <= 86_400 * 30:
        raise ValueError(f"{escaped(text)!r}: expected 0.01 seconds to 30 days")
    return seconds
