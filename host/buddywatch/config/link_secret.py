"""The secret of a login: `file:PATH` or `env:NAME` in a link, read when it is needed, and kept no longer than that."""

from __future__ import annotations

from pathlib import Path

from buddywatch.config.secret_places import SecretError, exposure, first_line, from_environment

EXPECTED = "expected login=file:PATH or login=env:NAME"


class Secret:
    """where: as in the link. ValueError (one line): neither of the two forms."""

    def __init__(self, where: str) -> None:
        kind, _, name = where.partition(":")
        if kind not in ("file", "env") or not name:
            raise ValueError(EXPECTED)  # without what was found, which may be the secret itself
        self._is_file = kind == "file"
        self._name = name

    def read(self) -> str:
        """The secret. SecretError (one line, without the secret) if it cannot be read."""
        if not self._is_file:
            return from_environment(self._name, "the password")
        path = Path(self._name).expanduser()
        try:
            password = first_line(path, "the password")
            exposed = exposure(path, path.stat().st_mode)  # the configuration has not checked it
        except OSError as error:
            raise SecretError(str(error)) from None
        if exposed is not None:
            raise SecretError(exposed)
        return password
