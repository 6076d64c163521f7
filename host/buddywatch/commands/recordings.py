"""Opens recorded files for the commands that read them, and the flags that they share."""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Self

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import duration, kilobytes, page_kb, release
from buddywatch.commands.progress import show_bar
from buddywatch.protocol.board_names import board_name
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.recorded.formats import HEAD_LINES, Format, Source, format_of
from buddywatch.recorded.pieces import Flags, Line, RecordedError
from buddywatch.recorded.series import name_line
from buddywatch.recorded.wire_stream import Streamed
from buddywatch.text.escape import escaped

_SQLITE = b"SQLite format 3\0"
_COLLECTD_HOST = re.compile(r"([^/]+)/buddyinfo-[^/]+/[^/]+$")
_GZIP = b"\x1f\x8b"
_LINES_A_BAR = 20_000  # between two looks at the progress
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
        self.path = os.path.abspath(path)
        self.board = _board_of(path)
        self._copy: IO[bytes] | None = None  # of what cannot be read twice
        try:
            descriptor = os.dup(sys.stdin.fileno()) if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if stat.S_ISDIR(status.st_mode):
                    raise IsADirectoryError(0, "a folder, expected a file")
                self.written = status.st_mtime
                if path == "-" or not stat.S_ISREG(status.st_mode):
                    self.written = status.st_mtime if stat.S_ISREG(status.st_mode) else time.time()
                    self._copy = tempfile.TemporaryFile()  # noqa: SIM115
                    shutil.copyfileobj(file, self._copy, _SPOOL_BYTES)
                    self._copy.flush()
            self._bytes_read = 0
            self._bytes = max(1, self._copy.tell() if self._copy else status.st_size)
            self.head = [line.text for line in islice(self.lines(), HEAD_LINES)]
        except (OSError, EOFError) as error:
            raise self._unreadable(error) from None

    def lines(self) -> Iterator[Line]:
        """Its lines from the start. CommandError."""
        number = self._bytes_read = 0
        try:
            with self._opened() as file:
                while raw := file.readline(_LINE_MAX):
                    number += 1
                    self._bytes_read += len(raw)
                    if number % _LINES_A_BAR == 0:
                        show_bar(f"reading {self.name}", self.share_read)
                    text = raw.rstrip(b"\n").decode("utf-8", "backslashreplace")
                    yield Line(number, text, raw.endswith(b"\n"))
        except (OSError, EOFError) as error:
            raise self._unreadable(error) from None

    @property
    def share_read(self) -> float:
        """How much of the file was read the last time, 0 to 1; of a compressed one a guess."""
        return min(1.0, self._bytes_read / self._bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._copy is not None:
            self._copy.close()

    def _opened(self) -> IO[bytes]:
        """The content from the start, without compression."""
        if self._copy is None:
            file: IO[bytes] = open(self.path, "rb")  # noqa: SIM115
        else:
            file = os.fdopen(os.dup(self._copy.fileno()), "rb")
            file.seek(0)
        is_compressed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        return gzip.GzipFile(fileobj=file, mode="rb") if is_compressed else file  # type: ignore[return-value]

    def _unreadable(self, error: Exception) -> CommandError:
        reason = getattr(error, "strerror", None) or error
        return CommandError(f"{self.name}: cannot be read ({reason}); give a file, or - for standard input")


@dataclass(frozen=True)
class Recording:
    """What is read as one: a file, or the files of a format that has one for each series. name: for messages."""

    name: str
    known: Format
    files: tuple[RecordedFile, ...]

    @property
    def ended(self) -> float:
        return max(file.written for file in self.files)

    def items(
        self, flags: Flags, board: str | None, tracker_of: Callable[[str], BoardTracker] | None = None
    ) -> Iterator[tuple[str, Streamed]]:
        """What it holds, with the names of its boards. tracker_of: see Source. CommandError."""
        first = self.files[0]
        lines = self._joined if self.known.is_joined else first.lines
        source = Source(lines, first.head, self.ended, flags, board, first.board)
        if tracker_of is not None:
            source = replace(source, tracker_of=tracker_of)
        try:
            yield from self.known.read(source)
        except RecordedError as error:
            raise CommandError(f"{self.name}: {error}") from None

    def _joined(self) -> Iterator[Line]:
        for file in self.files:
            yield Line(0, name_line(file.path))
            yield from file.lines()


def recordings_of(files: Sequence[RecordedFile]) -> list[Recording]:
    """The files as recordings, in their order. CommandError: a file is of no known format."""
    found: dict[object, Recording] = {}
    for number, file in enumerate(files):
        if file.head[:1] and file.head[0].startswith(_SQLITE.decode()):
            raise CommandError(f"{file.name}: a database; export it (--db {file.name} export) and import the export")
        try:
            known = format_of(file.head)
        except RecordedError as error:
            raise CommandError(f"{file.name}: {error}") from None
        key = (known.name, file.board) if known.is_joined else number
        before = found.get(key)
        of_all = (file,) if before is None else (*before.files, file)
        name = file.name if len(of_all) == 1 else f"{of_all[0].name} and {len(of_all) - 1} more"
        found[key] = Recording(name, known, of_all)
    return list(found.values())


def is_database(path: str) -> bool:
    """True for a file of SQLite."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _board_of(path: str) -> str:
    """The board that a file's name says: up to its first dot. collectd has a folder for each host."""
    match = _COLLECTD_HOST.search(os.path.abspath(path))
    name = match[1] if match else "" if path == "-" else Path(path).name.partition(".")[0]
    return board_name({"name": name})


def _interval_s(text: str) -> float:
    seconds = duration(text)
    if not 0.01 <= seconds <= 86_400 * 30:
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected 0.01 seconds to 30 days")
    return seconds
