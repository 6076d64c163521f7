"""What a configuration file may say: every key, its type, its default and its meaning, in one table.

The reference in the documentation is made from KEYS (reference_markdown()), the values in config.py as well.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from buddyd.watermark import RULES

from buddywatch.text.units import DURATION_EXPECTED, SIZE_EXPECTED, parse_duration, parse_size

SEVERITIES = ("critical", "warning", "off")
SECURITIES = ("none", "starttls", "tls")
REPEATED_SECTIONS = ("board", "need", "hook")

_MOST = 10**15  # exact in JSON and SQLite
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ADDRESS = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*")  # a name, or an IPv6 address
_NOT_IN_ADDRESS = frozenset('<>()[]\\,;:"')


@dataclass(frozen=True)
class Kind:
    """A type of value. read() turns what TOML gave into what the program uses, or raises ValueError or TypeError."""

    name: str
    expected: str
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Key:
    """One key. default: as TOML text, "" where there is none; field: the attribute in config.py it becomes."""

    section: str
    name: str
    kind: Kind
    default: str
    meaning: str
    field: str = ""
    required: bool = False

    @property
    def attribute(self) -> str:
        return self.field or self.name


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(item) for item in value)


def _some(read: Callable[[Any], str]) -> Callable[[Any], tuple[str, ...]]:
    def at_least_one(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise ValueError
        return tuple(read(item) for item in value)

    return at_least_one


def _name(value: Any) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError
    return str(value)


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_name(item) for item in _texts(value))


def _address(value: Any) -> str:
    user, at, host = value.partition("@")
    if not _ADDRESS.fullmatch(value) or _NOT_IN_ADDRESS & set(value) or not user or (at and not host) or "@" in host:
        raise ValueError
    return str(value)


def _host(value: Any) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError
    return str(value)


def _choice(allowed: tuple[str, ...]) -> Kind:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError
        return str(value)

    quoted = [f'"{word}"' for word in allowed]
    return Kind(", ".join(quoted), ", ".join(quoted[:-1]) + " or " + quoted[-1], read)


def _whole(lowest: int, highest: int, parse: Callable[[str], int] | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = parse(value) if parse is not None and isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int) or not lowest <= number <= highest:
            raise ValueError
        return number

    return read


def _page_bytes(value: Any) -> int:
    number = _whole(1024, 1 << 20, parse_size)(value)
    if number & (number - 1):
        raise ValueError
    return number


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


TEXT = Kind("text", "text in quotes, not empty", _text)
NAME = Kind("name", "a name of letters, digits, dots, hyphens and underscores, up to 64", _name)
NAMES = Kind("list of names", 'a list of names such as ["rm", "sh"]', _names)
LINKS = Kind("list of links", 'a list of links such as ["serial:///dev/ttyUSB0?baud=115200"]', _texts)
ARGV = Kind("command", 'a list of program and arguments such as ["sendmail", "-t", "-i"]', _some(_text))
PATH = Kind("path", "a path in quotes, not empty", _text)
HOST = Kind("host", 'a host such as "mail.example.org" (its port has a key of its own)', _host)
ADDRESS = Kind("address", 'a mail address such as "you@example.org"', _address)
ADDRESSES = Kind("list of addresses", 'a list of mail addresses such as ["you@example.org"]', _some(_address))
SIZE = Kind("size", SIZE_EXPECTED, _whole(1, _MOST, parse_size))
PAGE_BYTES = Kind("size", 'a power of two such as 4096 or "8k"', _page_bytes)
DURATION = Kind("duration", DURATION_EXPECTED, _whole(1, _MOST, parse_duration))
DURATION_OR_0 = Kind("duration", DURATION_EXPECTED + ", or 0", _whole(0, _MOST, parse_duration))
COUNT = Kind("number", "a whole number, at least 1", _whole(1, _MOST))
PORT = Kind("number", "a port number from 1 to 65535", _whole(1, 65535))
FLAG = Kind("true or false", "true or false", _flag)
SEVERITY = _choice(SEVERITIES)
SECURITY = _choice(SECURITIES)
RULE = _choice(RULES)

KEYS = (
    Key("collector", "db", PATH, "", "the database; else buddywatch/buddywatch.db under $XDG_DATA_HOME"),
    Key("collector", "links", LINKS, "[]", "links to collect from when the command line names none"),
    Key(
        "collector",
        "hole_patience",
        DURATION,
        '"60s"',
        "how long to ask again for a frame that the board still holds",
        "hole_patience_s",
    ),
    Key("board", "name", NAME, "", "the board's name, as in its hello", required=True),
    Key("board", "rule", RULE, "", "the kernel's allocation rule; else told by the kernel release"),
    Key("board", "page_bytes", PAGE_BYTES, "", "the page size; else what the board says"),
    Key("board", "silent_after", DURATION, "", "as in [alert], for this board", "silent_after_s"),
    Key("board", "needs", NAMES, "", "names of the needs to judge; else all that apply to it"),
    Key("board", "secret_file", PATH, "", "the file with the secret that the board must prove; see Secrets"),
    Key("need", "name", NAME, "", "the need's name", required=True),
    Key("need", "bytes", SIZE, "", "contiguous bytes the board must be able to get; or program"),
    Key("need", "program", PATH, "", "a bFLT or ELF file whose largest block is the need; or bytes", "bytes"),
    Key("need", "exec", FLAG, "", "count the pages an exec takes beforehand; true with program", "is_program"),
    Key("need", "boards", NAMES, "", "names of the boards it applies to; else all"),
    Key("alert", "refused", SEVERITY, '"critical"', "the kernel would refuse a need"),
    Key("alert", "tight", SEVERITY, '"warning"', "a need passes only at the min mark"),
    Key("alert", "kernel_failure", SEVERITY, '"critical"', "the kernel reported a failed allocation"),
    Key("alert", "silent", SEVERITY, '"critical"', "nothing came from the board for silent_after"),
    Key("alert", "silent_after", DURATION, '"2m"', "see silent", "silent_after_s"),
    Key("alert", "rebooted", SEVERITY, '"warning"', "the board started again"),
    Key("alert", "lost", SEVERITY, '"warning"', "snapshots were lost for good"),
    Key(
        "alert",
        "refused_within",
        DURATION,
        "",
        "used by the forecast; not evaluated in this version",
        "refused_within_s",
    ),
    Key("alert", "hold_samples", COUNT, "2", "received samples a state must hold before it fires"),
    Key("alert", "clear_samples", COUNT, "6", "good samples in a row before it clears"),
    Key("alert", "repeat_after", DURATION_OR_0, '"4h"', "remind of an open alert; 0 = never", "repeat_after_s"),
    Key("alert", "batch", DURATION_OR_0, '"30s"', "gather what happens to a board into one message", "batch_s"),
    Key("mail", "to", ADDRESSES, "", "who gets the mail", required=True),
    Key("mail", "from", ADDRESS, "", "the sender", "sender", required=True),
    Key("mail", "server", HOST, "", "the SMTP server; or command"),
    Key("mail", "port", PORT, "", "else 25, 587 or 465 by security"),
    Key("mail", "security", SECURITY, '"starttls"', "how the connection is protected; the certificate is verified"),
    Key("mail", "user", TEXT, "", "log in under this name"),
    Key("mail", "password_file", PATH, "", "the file with the password, readable by its owner (and group) only"),
    Key("mail", "password_env", NAME, "", "the environment variable with the password"),
    Key("mail", "allow_clear_login", FLAG, "false", 'log in with security = "none" to another machine all the same'),
    Key("mail", "ca_file", PATH, "", "certificates (PEM) to trust instead of the system's"),
    Key("mail", "timeout", DURATION, '"30s"', "the longest that sending one mail may take", "timeout_s"),
    Key("mail", "command", ARGV, "", "a sendmail-compatible program that gets the mail; or server"),
    Key("hook", "name", NAME, "", "the hook's name", required=True),
    Key("hook", "command", ARGV, "", "the program to run for a message, given as JSON on its input", required=True),
    Key("hook", "timeout", DURATION, '"30s"', "stop it after this time", "timeout_s"),
)


def section_title(section: str) -> str:
    return f"[[{section}]]" if section in REPEATED_SECTIONS else f"[{section}]"


def keys_of(section: str) -> list[Key]:
    return [key for key in KEYS if key.section == section]


def attributes(section: str, values: dict[str, Any]) -> dict[str, Any]:
    """{key: value} of a section as arguments of its class in config.py."""
    return {key.attribute: values[key.name] for key in keys_of(section) if key.name in values}


def reference_markdown() -> str:
    """The table of all keys for the documentation."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in KEYS:
        default = "required" if key.required else f"`{key.default}`" if key.default else ""
        lines.append(f"| `{section_title(key.section)} {key.name}` | {key.kind.name} | {default} | {key.meaning} |")
    return "\n".join(lines) + "\n"
