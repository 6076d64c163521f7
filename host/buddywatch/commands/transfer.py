"""What `get` and `put` share: the sum of a file that is not whole yet, and the news of how far it is."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

from buddywatch.commands import CommandError

PART = ".part-of-buddywatch"  # behind a file's name until all of it is there, here and on the board
CHUNK = 65536
MODE = 0o777  # of a file's mode, what goes with it


def sum_of(path: Path, size_bytes: int | None = None) -> tuple[int, int]:
    """(bytes, CRC-32) of a file, or of so many bytes at its start; (0, 0) if there is none. CommandError."""
    found = crc = 0
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK if size_bytes is None else min(CHUNK, size_bytes - found)):
                found, crc = found + len(data), zlib.crc32(data, crc)
    except FileNotFoundError:
        return 0, 0
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    return found, crc


def report(text: str) -> None:
    """News for a person; none where the errors go into a file."""
    if sys.stderr.isatty():
        print(f"buddywatch: {text}", file=sys.stderr)
