"""The secret of a login: `file:PATH` or `env:NAME` in a link, read when it is needed, and kept no longer than that."""

from __future__ import annotations

import os
from pathlib import Path

from buddywatch.config.secret_files import SecretFileError, exposure, first_line

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
        """The secret; SecretFileError (one line, without the secret) where it cannot be had."""
        if not self._is_file:
            if not os.environ.get(self._name):
                raise SecretFileError(f"environment variable {self._name} is not set; it must hold the password")
            return os.environ[self._name]
        path = Path(self._name).expanduser()
        try:
            password = first_line(path, "the password")
            exposed = exposure(path, path.stat().st_mode)  # no configuration has looked at it
        except OSError as error:
            raise SecretFileError(str(error)) from None
        if exposed is not None:
            raise SecretFileError(exposed)
        return password
