"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlsplit

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.file import FileLink, StdinLink
from buddywatch.links.listen import CONNECTIONS_MAX, Listener
from buddywatch.links.serial import BAUD, SerialLink
from buddywatch.links.tcp import TcpLink, TelnetLink

__all__ = ["Link", "LinkDown", "LinkError", "Listener", "open_link"]

TELNET_PORT = 23
EXPECTED = (
    "expected serial:///dev/ttyUSB0?baud=115200, telnet://HOST[:23], tcp://HOST:PORT, listen://ADDRESS:PORT, "
    "file:PATH or -"
)
_SWITCH = {"true": True, "false": False}


def open_link(url: str) -> Link:
    """The link that a URL names, not started yet. ValueError (one line): what is wrong with the URL."""
    if url == "-":
        return StdinLink()
    if url.startswith("file:") and len(url) > len("file:"):
        return FileLink(url, url.removeprefix("file://").removeprefix("file:"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url}: {error}; {EXPECTED}") from None
    if parts.scheme == "serial":
        return _serial(url, parts)
    if parts.scheme == "listen" and parts.hostname and port is not None and _is_plain(parts._replace(query="")):
        return Listener(url, parts.hostname, port, _connections(url, parts.query))
    if parts.hostname and _is_plain(parts):
        if parts.scheme == "telnet":
            return TelnetLink(url, parts.hostname, port or TELNET_PORT)
        if parts.scheme == "tcp" and port:
            return TcpLink(url, parts.hostname, port)
    raise ValueError(f"{url}: {EXPECTED}")


def _is_plain(parts: SplitResult) -> bool:
    """Whether there is nothing but host and port."""
    return "@" not in parts.netloc and parts.path in ("", "/") and not parts.query and not parts.fragment


def _connections(url: str, query: str) -> int:
    """How many boards may be connected at once."""
    count = CONNECTIONS_MAX
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "connections" or not _is_whole(value):
            raise ValueError(f"{url}: {name}={value}: expected connections=NUMBER")
        count = int(value)
    return count


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0


def _serial(url: str, parts: SplitResult) -> SerialLink:
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError(f"{url}: expected three slashes and the port's path, as in serial:///dev/ttyUSB0?baud=115200")
    baud, switches = BAUD, {"dtr": True, "rts": True, "shared": False}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "baud" and _is_whole(value):
            baud = int(value)
        elif name in switches and value in _SWITCH:
            switches[name] = _SWITCH[value]
        else:
            raise ValueError(f"{url}: {name}={value}: expected baud=NUMBER, or dtr, rts, shared=true|false")
    return SerialLink(url, parts.path, baud, **switches)
