"""get and put: a file over any link, checked, continued where it was cut off, and renamed into place when it is whole.

`get PATH FIRST` gives a line `BYTES CRC MODE` of the first FIRST bytes (MODE: octal), then the bytes behind them, and
9 bytes at the end: the CRC of all, as 8 hex digits and a newline. A put is made of short commands, so that one that is
cut off goes on later.
"""

import binascii
import os

from .. import const
from ..compat.calls import calls
from . import Wrong
from .paths import Created, failed, opened, permit, pieces, shown
from .words import need, number

_MODE = const(0o777)
PART = b".part-of-buddywatch"  # behind a file's name until all of it is there


def get(agent, words):
    need("get", words, 2, "PATH FIRST", 2)
    left = number("get", words[1])
    crc = before = 0
    try:
        file, mode = opened(words[0]), os.stat(words[0])[0] & _MODE
    except OSError as error:
        yield failed("get", error, words[0], "can't open '%s'")
        return
    try:
        is_named = False
        for piece in pieces(file):
            skipped = min(left, len(piece))
            if skipped:
                crc, before, left = binascii.crc32(piece[:skipped], crc), before + skipped, left - skipped
                yield None
            if left == 0:
                if not is_named:
                    is_named = True
                    yield b"%d %08x %o\n" % (before, crc, mode)
                rest = bytes(piece[skipped:])
                crc = binascii.crc32(rest, crc)
                yield rest
        if not is_named:
            yield b"%d %08x %o\n" % (before, crc, mode)
        yield b"%08x\n" % crc
    except OSError as error:
        yield failed("get", error, words[0], "can't read '%s'")
    finally:
        file.close()


def _sum(path):
    """Yield None for each piece of a file, and at the end (bytes, CRC)."""
    file, size_bytes, crc = opened(path), 0, 0
    try:
        for piece in pieces(file):
            crc, size_bytes = binascii.crc32(piece, crc), size_bytes + len(piece)
            yield None
    finally:
        file.close()
    yield size_bytes, crc


def put_state(agent, words):
    """`BYTES CRC` of what is there of an unfinished put."""
    need("put-state", words, 1, "PATH", 1)
    found = 0, 0
    try:
        for found in _sum(words[0] + PART):  # noqa: B007  # the last one counts
            yield None
    except OSError as error:
        if error.errno != 2:
            yield failed("put", error, words[0] + PART, "can't open '%s'")
            return
    yield b"%d %08x\n" % found


def put_at(agent, words):
    """Write data at a place of the unfinished file; at 0 it begins anew."""
    need("put-at", words, 3, "PATH FIRST DATA", 3)
    first = number("put-at", words[1])
    try:
        out = Created(words[0] + PART, 4)
        try:
            if first == 0:
                calls.resize(out.descriptor, 0)
            out.file.seek(first)
            out.write(words[2])
        finally:
            out.close()
    except OSError as error:
        yield failed("put", error, words[0] + PART, "can't write to '%s'")


def put_end(agent, words):
    """Check the unfinished file, give it its mode and its name: a reader has the old file or the whole new one."""
    need("put-end", words, 4, "PATH BYTES CRC MODE", 4)
    try:
        mode = int(words[3], 8) & _MODE
    except ValueError:
        raise Wrong("put: '%s' is no mode" % shown(words[3]))
    part = words[0] + PART
    try:
        for found in _sum(part):  # noqa: B007  # the last one counts
            yield None
        if b"%d %08x" % found != b"%s %s" % (words[1], words[2]):
            raise Wrong("put: what came is damaged or not whole; put it again")
        out = Created(part, 4)
        try:
            permit(out.descriptor, mode)
            calls.fsync(out.descriptor)
        finally:
            out.close()
        os.rename(part, words[0])
    except OSError as error:
        yield failed("put", error, words[0], "can't write to '%s'")
