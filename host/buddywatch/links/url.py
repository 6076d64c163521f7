"""LINK, as it is written on the command line and in the configuration. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from buddywatch.links.base import LinkError

SHAPES = {
    "serial": "serial:///dev/ttyUSB0?baud=115200",
    "tcp": "tcp://HOST:PORT",
    "telnet": "telnet://HOST:PORT",
    "listen": "listen://ADDRESS:PORT",
    "file": "file:PATH",
}


@dataclass(frozen=True)
class LinkUrl:
    """text: as written. host, port: of tcp, telnet and listen. options: what follows the question mark."""

    text: str
    scheme: str
    path: str
    host: str
    port: int | None
    options: dict[str, str] = field(hash=False)

    @classmethod
    def parse(cls, text: str) -> LinkUrl:
        """LinkError for anything that is no LINK."""
        if text == "-":
            return cls(text, "file", "-", "", None, {})
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise LinkError(f"{text}: {error}; expected a port from 1 to 65535") from error
        if parts.scheme not in SHAPES:
            raise LinkError(f"{text}: not a LINK; expected one of: {', '.join(SHAPES.values())} or -")
        return cls(text, parts.scheme, parts.path, parts.hostname or "", port, dict(parse_qsl(parts.query, True)))

    def only(self, *names: str) -> None:
        """LinkError if there is another option than these."""
        for name in self.options:
            if name not in names:
                known = f"known: {', '.join(names)}" if names else "there are none"
                raise LinkError(f"{self.text}: unknown option {name}; {known}")

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        text = self.options.get(name, str(default))
        if not text.isascii() or not text.isdecimal() or not lowest <= int(text) <= highest:
            raise LinkError(f"{self.text}: {name}={text}: expected a number from {lowest} to {highest}")
        return int(text)

    def switch(self, name: str, default: bool) -> bool:
        text = self.options.get(name, "true" if default else "false")
        if text not in ("true", "false"):
            raise LinkError(f"{self.text}: {name}={text}: expected true or false")
        return text == "true"

    def endpoint(self, default_port: int | None = None) -> tuple[str, int]:
        """(host, port); LinkError where one is missing."""
        port = self.port or default_port
        if not self.host or not port or self.path.strip("/"):
            raise LinkError(f"{self.text}: expected {SHAPES[self.scheme]}")
        return self.host, port
