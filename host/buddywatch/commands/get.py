"""`buddywatch get BOARD PATH [FILE]`: a file from a board, checked, and continued where an earlier try was cut off."""

from __future__ import annotations

import argparse
import os
import re
import zlib
from pathlib import Path
from typing import BinaryIO

from buddywatch.commands import CommandError
from buddywatch.commands.command_client import Commander, CommandFailure, commander
from buddywatch.commands.run import DONE, Printer, exit_code
from buddywatch.commands.transfer import MODE, PART, report, sum_of
from buddywatch.config.sections import Config

_TAIL = len(b"%08x\n" % 0)  # behind the file's bytes: the CRC of all of them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", help="a board's name, or a link such as telnet://HOST:PORT")
    parser.add_argument("path", metavar="PATH", help="the file on the board")
    parser.add_argument("file", metavar="FILE", nargs="?", help="where to put it; default: here, under the same name")


def run(args: argparse.Namespace, config: Config) -> int:
    file = Path(args.file or os.path.basename(args.path.rstrip("/")))
    if file.is_dir():
        file /= os.path.basename(args.path.rstrip("/"))
    if not file.name:
        raise CommandError(f"{args.path}: expected the path of a file on the board")
    board = commander(config, args.board)
    try:
        return _get(board, os.fsencode(args.path), file)
    finally:
        board.close()


def _get(board: Commander, path: bytes, file: Path) -> int:
    part = file.with_name(file.name + PART)
    while True:
        had, crc = sum_of(part)
        try:
            with part.open("ab") as out:
                taken = _Taken(out, had, crc)
                code = board.do([b"get", path, b"%d" % had], taken.take)
        except OSError as error:
            raise CommandError(f"{part}: {error.strerror}") from None
        if taken.is_other:
            report("the file has changed on the board; it is copied from its beginning")
            part.unlink()
            continue
        if code != DONE:
            if not part.stat().st_size:
                part.unlink()
            return exit_code(code)
        if not taken.is_whole:
            part.unlink()
            raise CommandFailure("the file changed while it was copied, or came damaged; try again")
        part.chmod(taken.mode)
        part.replace(file)
        return DONE


class _Taken:
    """Takes what `get` prints: a line about the bytes that are here already, the bytes behind them, the CRC of all.

    is_other: what is here is not the beginning of the board's file. mode: of that file.
    """

    def __init__(self, out: BinaryIO, had: int, crc: int) -> None:
        self.is_other = False
        self.mode = 0o644
        self._out = out
        self._had, self._crc = had, crc
        self._head: bytes | None = b""  # the line at the beginning, until all of it is there
        self._held = b""  # perhaps the CRC at the end
        self._printer = Printer()

    @property
    def is_whole(self) -> bool:
        return self._head is None and self._held == b"%08x\n" % self._crc

    def take(self, data: bytes, is_failure: bool) -> None:
        if is_failure:
            self._printer.show(data, True)
            return
        if self._head is not None:
            self._head += data
            head, newline, data = self._head.partition(b"\n")
            if not newline:
                return
            self._head = None
            begun, _, mode = head.rpartition(b" ")
            self.is_other = begun != b"%d %08x" % (self._had, self._crc)
            self.mode = int(mode, 8) & MODE if re.fullmatch(rb"[0-7]{1,6}", mode) else self.mode
        if self.is_other:
            return
        data = self._held + data
        ready, self._held = data[:-_TAIL], data[-_TAIL:]
        self._out.write(ready)
        self._crc = zlib.crc32(ready, self._crc)
