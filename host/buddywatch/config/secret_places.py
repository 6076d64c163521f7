"""Reads secrets from files and the environment, and checks who may read the files. Nothing is kept in memory."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from buddywatch.config.whole_file import read_whole

LINE_MAX = 4096
FILE_MAX_BYTES = 1 << 16
WAIT_S = 1.0  # for the content of a pipe; the collector waits with it


class SecretError(Exception):
    """A secret cannot be read. One line, without the secret."""


def exposure(path: Path, mode: int) -> str | None:
    """What is wrong with the mode of a secret file, or None."""
    # A group may read it: services often have their secrets as root:service 0640, systemd as 0440.
    if stat.S_ISREG(mode) and mode & 0o007:
        return f"{path} is readable by other users (mode {mode & 0o777:04o}); run: chmod 600 {path}"
    return None


def from_environment(variable: str, what: str) -> str:
    """The value of an environment variable. what: as in first_line(). SecretError."""
    value = os.environ.get(variable)
    if not value:
        raise SecretError(f"environment variable {variable} is not set; it must hold {what}")
    return value


def first_line(path: Path, what: str) -> str:
    """The first line of a file, without its end. what: the secret that it must hold, in words. SecretError."""
    try:
        content = io.BytesIO(read_whole(path, FILE_MAX_BYTES, WAIT_S))
        line = io.TextIOWrapper(content, encoding="utf-8").readline(LINE_MAX).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SecretError(f"{path}: cannot be read ({reason}); it must hold {what}") from None
    if not line:
        raise SecretError(f"{path}: the first line is empty; it must hold {what}")
    return line
