"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlsplit

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.file import FileLink, StdinLink
from buddywatch.links.listen import Listener
from buddywatch.links.serial import SerialLink
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
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{url}: {EXPECTED}")
    if parts.scheme == "telnet" and parts.hostname:
        return TelnetLink(url, parts.hostname, port or TELNET_PORT)
    if parts.scheme == "tcp" and parts.hostname and port:
        return TcpLink(url, parts.hostname, port)
    if parts.scheme == "listen" and parts.hostname and port is not None:
        return Listener(url, parts.hostname, port)
    raise ValueError(f"{url}: {EXPECTED}")


def _serial(url: str, parts: SplitResult) -> SerialLink:
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError(f"{url}: expected three slashes and the port's path, as in serial:///dev/ttyUSB0?baud=115200")
    options: dict[str, int] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "baud" and value.isascii() and value.isdigit() and 0 < int(value[:9]):
            options[name] = int(value[:9])
        elif name in ("dtr", "rts") and value in _SWITCH:
            options[name] = _SWITCH[value]
        else:
            raise ValueError(f"{url}: {name}={value}: expected baud=NUMBER, dtr=true|false or rts=true|false")
    return SerialLink(url, parts.path, **options)
