"""The secret of a login: `file:PATH` or `env:NAME` in a link, read when it is needed, and kept no longer than that."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from buddywatch.links.base import LinkError, why

EXPECTED = "expected login=file:PATH or login=env:NAME"


class Secret:
    """where: as in the link. ValueError (one line): it says neither of the two."""

    def __init__(self, where: str) -> None:
        kind, _, name = where.partition(":")
        if kind not in ("file", "env") or not name:
            raise ValueError(EXPECTED)  # without what was found, which may be the secret itself
        self._is_file = kind == "file"
        self._name = name

    def read(self) -> str:
        """LinkError (one line, without the link): there is none."""
        if not self._is_file:
            if not os.environ.get(self._name):
                raise LinkError(f"environment variable {self._name} is not set; it must hold the password")
            return os.environ[self._name]
        path = Path(self._name).expanduser()
        try:
            with open(path, encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                # A group may read it, as with the mail password: services have their secrets as root:service 0640.
                if stat.S_ISREG(mode) and mode & 0o007:
                    raise LinkError(f"everybody may use {path} (mode {mode & 0o777:04o}); run: chmod 600 {path}")
                first_line = file.readline(4096).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = why(error) if isinstance(error, OSError) else "not UTF-8 text"
            raise LinkError(f"{path}: cannot be read ({reason}); it must hold the password") from None
        if not first_line:
            raise LinkError(f"{path}: the first line is empty; it must hold the password")
        return first_line
