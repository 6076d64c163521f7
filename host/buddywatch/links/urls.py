"""Makes a link from its URL. ValueError (one line): what is wrong; a password in the URL is never shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from buddywatch.config.link_secret import Secret
from buddywatch.links.base import Link
from buddywatch.links.file import FileLink, StdinLink
from buddywatch.links.listen import CONNECTIONS_MAX, Listener
from buddywatch.links.login import LoginLink
from buddywatch.links.rfc2217 import Rfc2217Link
from buddywatch.links.serial import BAUD, SerialLink
from buddywatch.links.tcp import TcpLink, TelnetLink
from buddywatch.protocol.board_names import board_name

TELNET_PORT = 23
INTERVAL_S = 5  # the same as buddyd's default
EXEC_MAX = 200  # bytes: the line editor of every shell accepts so many
EXPECTED = (
    "expected serial:///dev/ttyUSB0?baud=115200, telnet://HOST[:23], tcp://HOST:PORT, rfc2217://HOST:PORT?baud=115200, "
    "listen://ADDRESS:PORT, hush://USER@HOST, file:PATH or -"
)
_SWITCH = {"true": True, "false": False}
_LINE = {"baud": "baud=NUMBER", "dtr": "dtr=true|false", "rts": "rts=true|false"}
_TTY = {**_LINE, "rtscts": "rtscts=true|false"}
_SERIAL = {**_TTY, "shared": "shared=true|false"}
_LINE_OF: dict[str, dict[str, str]] = {"serial": _TTY, "rfc2217": _LINE}  # the serial options, by scheme
_HUSH = {"login": "login=file:PATH|env:NAME", "interval": "interval=SECONDS"}
_TELNET = {"login": "login=file:PATH|env:NAME", "exec": "exec=COMMAND"}
_LISTEN = {"connections": "connections=NUMBER"}
# Schemes that can lead to a shell: hush:// is short for hush+telnet://.
_TO_SHELL = ("telnet", "tcp", "serial", "rfc2217")
_NETWORK = ("telnet", "tcp", "rfc2217", "hush", "hush+telnet", "hush+tcp", "hush+rfc2217")
# Option of network links: the other end cannot authenticate, such as the serial line of a terminal server.
_PROOF, _NO_PROOF = "secret", "none"


@dataclass(frozen=True)
class _Url:
    """A URL taken apart."""

    text: str
    parts: SplitResult
    port: int | None
    options: Mapping[str, str]

    @property
    def user(self) -> str | None:
        return unquote(self.parts.username) if self.parts.username else None

    def take(self, kinds: Mapping[str, str]) -> None:
        """ValueError for an option that is not among these, or has a wrong value."""
        for name, value in self.options.items():
            if name not in kinds or not _fits(name, value):
                # Options of every link; factory.py and _without_proof() have taken them away.
                every = ["board=NAME", *(["secret=none"] if self.parts.scheme in _NETWORK else [])]
                expected = f"expected {_listed([*kinds.values(), *every])}"
                if name == "login":  # the value may be the secret itself
                    raise ValueError(f"{self.parts._replace(query='').geturl()}: login=...: {expected}")
                raise ValueError(f"{self.text}: {name}={value}: {expected}")

    def whole(self, name: str, default: int) -> int:
        return int(self.options.get(name, default))

    def line(self) -> tuple[int, bool, bool]:
        """Baud rate, DTR and RTS."""
        dtr, rts = (_SWITCH[self.options.get(name, "true")] for name in ("dtr", "rts"))
        return self.whole("baud", BAUD), dtr, rts


def split_board(url: str) -> tuple[str, str | None]:
    """The URL without `?board=NAME`, and that name: for boards that all report the same name."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{url}: {error}; expected tcp://192.0.2.7:5555, tcp://[2001:db8::7]:5555") from None
    options = parse_qsl(parts.query, keep_blank_values=True)
    names = [value for key, value in options if key == "board"]
    if not names:
        return url, None
    rest = urlencode([(key, value) for key, value in options if key != "board"], safe="/:")
    # Not by urlunsplit(), which makes serial:/dev/ttyUSB0 of serial:///dev/ttyUSB0.
    plain = url.partition("?")[0] + (f"?{rest}" if rest else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return plain, board_name({"name": names[-1]})


def open_link(url: str) -> Link:
    """The link that a URL names, not started yet."""
    if url == "-":
        return StdinLink()
    if url.startswith("file:") and len(url) > len("file:"):
        return FileLink(url, url.removeprefix("file://").removeprefix("file:"))
    of = _without_proof(_split(url))
    scheme = of.parts.scheme
    if scheme == "hush" or (scheme.removeprefix("hush+") in _TO_SHELL and scheme.startswith("hush+")):
        return _hush(of, "telnet" if scheme == "hush" else scheme.removeprefix("hush+"))
    if scheme == "telnet" and (of.user or of.options):
        return _behind_login(of)
    if of.user is not None:
        raise ValueError(f"{url}: a login name is possible only with telnet:// and hush://; {EXPECTED}")
    if scheme == "listen" and of.parts.hostname and of.port is not None and _is_bare(of):
        of.take(_LISTEN)
        return Listener(url, of.parts.hostname, of.port, of.whole("connections", CONNECTIONS_MAX))
    return _way(of, scheme, of.options.keys())


def is_shell(url: str) -> bool:
    """Whether a board without an agent is watched over the link, through its shell."""
    return url.partition(":")[0].lower().startswith("hush")


def asks_proof(url: str) -> bool:
    """True if a board with a secret must authenticate on this link: over a network, unless it has secret=none."""
    return url.partition(":")[0].lower() in _NETWORK and _PROOF not in _split(url).options


def _without_proof(of: _Url) -> _Url:
    value = of.options.get(_PROOF)
    if value is None or of.parts.scheme not in _NETWORK:
        return of
    if value != _NO_PROOF:  # the value may be the secret itself
        shown = of.parts._replace(query="").geturl()
        raise ValueError(f"{shown}: secret=...: expected secret=none, or nothing; the secret itself is in a file")
    return replace(of, options={name: value for name, value in of.options.items() if name != _PROOF})


def _split(url: str) -> _Url:
    try:
        parts = urlsplit(url)
        if parts.password is not None:
            host = parts.netloc.rpartition("@")[2]
            shown = parts._replace(netloc=f"{parts.username}@{host}").geturl()
            raise ValueError(f"{shown}: a link must not contain a password; use login=file:PATH or login=env:NAME")
        return _Url(url, parts, parts.port, dict(parse_qsl(parts.query, keep_blank_values=True)))
    except ValueError as error:
        if "must not contain" in str(error):
            raise
        raise ValueError(f"{url}: {error}; {EXPECTED}") from None


def _way(of: _Url, scheme: str, names: Collection[str]) -> Link:
    """The plain link, without login or shell. names: its own options."""
    own = replace(of, options={name: value for name, value in of.options.items() if name in names})
    if scheme == "serial":
        return _serial(own)
    host = of.parts.hostname
    if host and _is_bare(of):
        if scheme == "telnet" and not own.options:
            return TelnetLink(of.text, host, of.port or TELNET_PORT)
        if scheme == "tcp" and of.port:
            own.take({})
            return TcpLink(of.text, host, of.port)
        if scheme == "rfc2217" and of.port:
            own.take(_LINE)
            return Rfc2217Link(of.text, host, of.port, *own.line())
    raise ValueError(f"{of.text}: {EXPECTED}")


def _serial(of: _Url) -> SerialLink:
    if of.parts.netloc.rpartition("@")[2] or not of.parts.path.strip("/"):
        raise ValueError(
            f"{of.text}: expected three slashes and the port's path, as in serial:///dev/ttyUSB0?baud=115200"
        )
    of.take(_SERIAL)
    rtscts, shared = (_SWITCH[of.options.get(name, "false")] for name in ("rtscts", "shared"))
    return SerialLink(of.text, of.parts.path, *of.line(), rtscts=rtscts, shared=shared)


def _behind_login(of: _Url) -> Link:
    of.take(_TELNET)
    command = of.options.get("exec", "")
    return LoginLink(_way(of, "telnet", ()), of.user, _secret(of), command.encode() + b"\n" if command else b"")


def _hush(of: _Url, way: str) -> Link:
    line = _LINE_OF.get(way, {})
    of.take({**_HUSH, **line})
    login = LoginLink(_way(of, way, line), of.user, _secret(of))
    host = of.parts.hostname or of.parts.path.rpartition("/")[2]
    from buddywatch.links.hush import HushLink  # with what it reads, half of all modules: few have such a link

    return HushLink(login, host, of.whole("interval", INTERVAL_S))


def _secret(of: _Url) -> Secret | None:
    return Secret(of.options["login"]) if "login" in of.options else None


def _is_bare(of: _Url) -> bool:
    """True if there is no path and no fragment."""
    return of.parts.path in ("", "/") and not of.parts.fragment


def _fits(name: str, value: str) -> bool:
    if name in ("baud", "connections", "interval"):
        return value.isascii() and value.isdigit() and len(value) < 10 and int(value) > 0
    if name in _SERIAL:  # except the rate
        return value in _SWITCH
    if name == "login":
        return value.startswith(("file:", "env:")) and len(value.partition(":")[2]) > 0
    return 0 < len(value.encode()) <= EXEC_MAX and value.isprintable()


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
