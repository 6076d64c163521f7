"""Which process owns a row, and whether it still runs."""

from __future__ import annotations

import os


def this_process() -> str:
    return _named(os.getpid())


def is_alive(owner: str | None) -> bool:
    """True if the process that wrote `owner` still runs; False also for text that names no process."""
    number = (owner or "").partition("/")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # the process belongs to another user, but it runs
    return _named(int(number)) == owner


def _named(pid: int) -> str:
    """A process by its number and start time (field 22 of /proc/PID/stat, proc(5)), because numbers are reused.

    Without /proc, the number alone.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return f"{pid}/{file.read().rpartition(b')')[2].split()[19].decode()}"
    except (OSError, IndexError):
        return str(pid)
