"""Links to boards, one module a kind. open_link() makes one of a LINK as a user writes it."""

from __future__ import annotations

from collections.abc import Callable

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.file import FileLink
from buddywatch.links.listen import ListenLink
from buddywatch.links.tcp import TcpLink, TelnetLink
from buddywatch.links.url import LinkUrl

__all__ = ["Link", "LinkDown", "LinkError", "open_link"]


def _serial(url: LinkUrl) -> Link:
    from buddywatch.links.serial import SerialLink  # pyserial is only loaded for those who have a serial line

    return SerialLink(url)


_KINDS: dict[str, Callable[[LinkUrl], Link]] = {
    "serial": _serial,
    "tcp": TcpLink,
    "telnet": TelnetLink,
    "listen": ListenLink,
    "file": FileLink,
}


def open_link(url: str) -> Link:
    """The link that url means; nothing is opened before its start(). LinkError: no such kind, or a wrong option."""
    parsed = LinkUrl.parse(url)
    return _KINDS[parsed.scheme](parsed)
