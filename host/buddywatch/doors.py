"""From a link's URL to the connection of the collector: which board it leads to, and what its other side must prove."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from buddywatch.addresses import is_loopback
from buddywatch.config import Config
from buddywatch.connection import Connection, split_board
from buddywatch.links import Link, Listener, open_link
from buddywatch.links.guarded import GuardedLink
from buddywatch.links.listen import AcceptedLink
from buddywatch.links.tcp import TcpLink
from buddywatch.trust import Trust

SECRET_OPTION = "secret"
NO_SECRET = "none"
NO_LISTENER = (
    "everybody can reach this address, and no board has a secret: give each [[board]] that dials in a secret_file, "
    "or listen on 127.0.0.1"
)


def split_secret(url: str) -> tuple[str, bool]:
    """The URL without `secret=none`, and whether a board that has a secret must prove it. ValueError."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    values = [value for name, value in options if name == SECRET_OPTION]
    if not values or parts.scheme not in ("telnet", "tcp"):
        return url, True
    if values != [NO_SECRET]:
        raise ValueError(f"{url}: secret={values[0]}: expected secret=none, or nothing; the secret itself is in a file")
    rest = urlencode([(name, value) for name, value in options if name != SECRET_OPTION], safe="/:")
    return urlunsplit(parts._replace(query=rest)), False


class Doors:
    """Makes connections as the configuration has them."""

    def __init__(self, config: Config) -> None:
        self._trust = Trust.of(config)

    def connection(self, url: str) -> Connection:
        """The connection of a link, not started. ValueError (one line): what is wrong with the URL."""
        plain, board = split_board(url)
        plain, proves = split_secret(plain)
        link = open_link(plain)
        if isinstance(link, Listener) and not is_loopback(link.host) and not self._trust.knows_anybody:
            raise ValueError(f"{url}: {NO_LISTENER}")
        if isinstance(link, TcpLink) and proves:
            return Connection(self._guarded(link, board, board is not None and self._trust.has_secret(board)), board)
        return Connection(link, board)

    def admitted(self, listener: Listener, board: str | None) -> list[Connection]:
        """Connections for those who have called since the last time. board: the listener's, where it has one."""
        demanded = not is_loopback(listener.host) or (board is not None and self._trust.has_secret(board))
        links: list[AcceptedLink] = listener.accepted()
        return [Connection(self._guarded(link, board, demanded), board, is_call=True) for link in links]

    def _guarded(self, link: Link, board: str | None, demanded: bool) -> GuardedLink:
        return GuardedLink(link, self._trust, board, demanded)
