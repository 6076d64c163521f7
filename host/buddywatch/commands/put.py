"""`buddywatch put FILE BOARD:PATH`: a file to a board, checked, renamed into place when it is whole.

A try that was cut off is continued: the board says what it has of the file.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.command_client import WORD_MAX, Commander, commander
from buddywatch.commands.run import DONE, Printer, exit_code
from buddywatch.commands.transfer import MODE, report, sum_of
from buddywatch.config.sections import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    what = (
        "the board's name and the file's path there, as in roof:/tmp/x; or a link and a path, as in tcp://HOST:PORT:/x"
    )
    parser.add_argument("target", metavar="BOARD:PATH", help=what)


def run(args: argparse.Namespace, config: Config) -> int:
    name, path = split_target(args.target, os.path.basename(args.file))
    if not Path(args.file).is_file():
        raise CommandError(f"{args.file}: no such file")
    board = commander(config, name)
    try:
        return _put(board, Path(args.file), os.fsencode(path))
    finally:
        board.close()


def split_target(text: str, name: str) -> tuple[str, str]:
    """(board, path) of BOARD:PATH. name: of the file here, for a path that ends in a slash. CommandError."""
    board, colon, path = text.rpartition(":/") if "://" in text else text.partition(":")
    path = "/" + path if "://" in text else path
    if not colon or not board or not path or board.endswith((":", "://")):
        raise CommandError(f"{text!r}: expected BOARD:PATH, as in roof:/tmp/x")
    return board, path + name if path.endswith("/") else path


def _put(board: Commander, file: Path, path: bytes) -> int:
    size_bytes, crc = sum_of(file)
    chunk = WORD_MAX - len(path) - len(b"put-at\0\0%010d\0" % 0)
    if chunk < 1:
        raise CommandError(f"the path has {len(path)} bytes, which is too long")
    said: list[bytes] = []
    code = board.do([b"put-state", path], lambda data, is_failure: _keep(said, data, is_failure))
    at = _start(file, b"".join(said)) if code == DONE else 0
    if at:
        report(f"continued behind {at} bytes that the board has")
    with file.open("rb") as source:
        source.seek(at)
        while code == DONE and (at < size_bytes or at == 0):
            data = source.read(chunk)
            code = board.do([b"put-at", path, b"%d" % at, data], Printer().show)
            at += len(data)
            if not data:
                break
    if code == DONE:
        mode = file.stat().st_mode & MODE
        code = board.do([b"put-end", path, b"%d" % size_bytes, b"%08x" % crc, b"%o" % mode], Printer().show)
    return exit_code(code)


def _keep(said: list[bytes], data: bytes, is_failure: bool) -> None:
    if is_failure:
        Printer().show(data, True)
    else:
        said.append(data)


def _start(file: Path, said: bytes) -> int:
    """How many bytes the board has of this file: 0 if what it has is the beginning of another one."""
    has, _, crc = said.strip().partition(b" ")
    if not has.isdigit() or sum_of(file, int(has)) != (int(has), int(crc or b"0", 16)):
        return 0
    return int(has)
