"""Which boards have a secret, and the secret itself when a board must prove it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from buddyd.talk import secret

from buddywatch.config.secret_places import FILE_MAX_BYTES, WAIT_S, SecretError
from buddywatch.config.sections import Config
from buddywatch.config.whole_file import read_whole


class BoardSecrets:
    """files: the secret file of each board that has one. It is read when needed, and not kept."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)

    @classmethod
    def of(cls, config: Config) -> BoardSecrets:
        return cls({board.name: board.secret_file for board in config.boards if board.secret_file is not None})

    @property
    def has_any(self) -> bool:
        return bool(self._files)

    def has_secret(self, board: str) -> bool:
        return board in self._files

    def key(self, board: str) -> bytes | None:
        """The board's secret, None if it has none. SecretError."""
        path = self._files.get(board)
        if path is None:
            return None
        try:
            return bytes(secret.checked(read_whole(path, FILE_MAX_BYTES, WAIT_S)))
        except OSError as error:
            raise SecretError(
                f"{path}: cannot be read ({error.strerror}); it must hold the secret of {board}"
            ) from None
        except ValueError as error:
            raise SecretError(f"{path}: {error}") from None
