"""Makes the collector's connection from a URL: which board it leads to, and whether that must authenticate."""

from __future__ import annotations

from buddywatch.config.board_secrets import BoardSecrets
from buddywatch.config.sections import Config
from buddywatch.links.base import Link
from buddywatch.links.connection import Connection
from buddywatch.links.guarded import GuardedLink
from buddywatch.links.listen import AcceptedLink, Listener
from buddywatch.links.urls import asks_proof, is_shell, open_link, split_board
from buddywatch.text.addresses import is_loopback

NO_LISTENER = (
    "any host can reach this address, and no board has a secret: give each [[board]] that dials in a secret_file, "
    "or listen on 127.0.0.1"
)


class Doors:
    """Makes connections as the configuration has them."""

    def __init__(self, config: Config) -> None:
        self._secrets = BoardSecrets.of(config)

    def connection(self, url: str) -> Connection:
        """The connection of a link, not started. ValueError (one line): what is wrong with the URL."""
        plain, board = split_board(url)
        link = open_link(plain)
        if isinstance(link, Listener) and not is_loopback(link.host) and not self._secrets.has_any:
            raise ValueError(f"{url}: {NO_LISTENER}")
        if not asks_proof(plain):
            return Connection(link, board)
        demanded = board is not None and self._secrets.has_secret(board)
        if demanded and is_shell(plain):
            raise ValueError(
                f"{url}: {board} has a secret, but a shell cannot authenticate; to accept it anyway, add secret=none"
            )
        return Connection(self._guarded(link, board, demanded), board)

    def admitted(self, listener: Listener, board: str | None) -> list[Connection]:
        """Connections for the boards that dialled in since the last call. board: the listener's, if it has one."""
        demanded = not is_loopback(listener.host) or (board is not None and self._secrets.has_secret(board))
        links: list[AcceptedLink] = listener.accepted()
        return [
            Connection(self._guarded(link, board, demanded), board, is_call=True, unproven=listener.unproven)
            for link in links
        ]

    def _guarded(self, link: Link, board: str | None, demanded: bool) -> GuardedLink:
        return GuardedLink(link, self._secrets, board, demanded)
