"""The kinds of values in a configuration: what each accepts, and how it is written. A type, and its Kind beside it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from buddyd.watermark import RULES

from buddywatch.text.units import DURATION_EXPECTED, SIZE_EXPECTED, format_duration, parse_duration, parse_size

_MOST = 10**15  # exact in JSON and SQLite
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ADDRESS = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*")  # a name, or an IPv6 address
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9]) ?- ?([01]?[0-9]|2[0-3]):([0-5][0-9])")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
LISTEN_EXPECTED = 'an address and a port such as "127.0.0.1:9471"'
_NOT_IN_ADDRESS = frozenset('<>()[]\\,;:"')


@dataclass(frozen=True, eq=False)
class Kind:
    """read() turns what TOML gave into what the program uses, or raises ValueError or TypeError; write() makes TOML."""

    name: str
    expected: str
    read: Callable[[Any], Any]
    write: Callable[[Any], str] = json.dumps


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


def choice(*allowed: str) -> Kind:
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


def _severities(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not set(value) <= {"critical", "warning"}:
        raise ValueError
    return tuple(value)


def _url(value: Any) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isascii() or " " in value:
        raise ValueError
    return str(value)


def _hours(value: Any) -> tuple[int, int]:
    match = _HOURS.fullmatch(value)
    if not match:
        raise ValueError
    begin, end = (60 * int(match[number]) + int(match[number + 1]) for number in (1, 3))
    if begin == end:
        raise ValueError
    return begin, end


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _power_of_two(lowest: int, highest: int) -> Callable[[Any], int]:
    whole = _whole(lowest, highest, parse_size)

    def read(value: Any) -> int:
        number = whole(value)
        if number & (number - 1):
            raise ValueError
        return number

    return read


_page_bytes, _block_bytes = _power_of_two(1024, 1 << 20), _power_of_two(1024, 1 << 40)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _duration(lowest: int, expected: str) -> Kind:
    read = _whole(lowest, _MOST, parse_duration)
    return Kind("duration", expected, read, lambda seconds: json.dumps(format_duration(seconds)))


def _clock(value: Any) -> int:
    """Minutes since midnight."""
    match = _CLOCK.fullmatch(value)
    if match is None:
        raise ValueError
    return int(match[1]) * 60 + int(match[2])


def _day(value: Any) -> str:
    if value not in DAYS:
        raise ValueError
    return str(value)


def _level(value: Any) -> int | float | str:
    """The limit of a rule: what its text means depends on the value that the rule looks at."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST:
        raise ValueError
    return value


def split_listen(text: str) -> tuple[str, int]:
    """ADDRESS:PORT, with an IPv6 address in brackets. ValueError."""
    match = _LISTEN.fullmatch(text)
    if match is None or not _HOST.fullmatch(match[1].strip("[]")) or int(match[2]) > 65535:
        raise ValueError(f"{text!r}: expected {LISTEN_EXPECTED}")
    return match[1].strip("[]"), int(match[2])


def _listen(value: Any) -> str:
    split_listen(value)
    return str(value)


def _table(value: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(value, dict):
        raise TypeError
    return tuple(value.items())


def _path() -> Kind:
    return Kind("path", "a path in quotes, not empty", _text, lambda path: json.dumps(str(path.absolute())))


# Paths are text here; load.py makes them relative to the file's folder. Of FILE and SECRET_FILE the file must be there.
PATH, FILE, SECRET_FILE = _path(), _path(), _path()

# Its keys are those of [alert] that may differ from board to board; toml.py reads them.
ALERT_TABLE = Kind("table", "a table of keys as in [alert]", _table)

AnyPath = Annotated[Path, PATH]
File = Annotated[Path, FILE]
SecretFile = Annotated[Path, SECRET_FILE]
Text = Annotated[str, Kind("text", "text in quotes, not empty", _text)]
Name = Annotated[str, Kind("name", "a name of letters, digits, dots, hyphens and underscores, up to 64", _name)]
Names = Annotated[tuple[str, ...], Kind("list of names", 'a list of names such as ["rm", "sh"]', _names)]
Links = Annotated[
    tuple[str, ...], Kind("list of links", 'a list of links such as ["serial:///dev/ttyUSB0?baud=115200"]', _texts)
]
Command = Annotated[
    tuple[str, ...],
    Kind("command", 'a list of program and arguments such as ["sendmail", "-t", "-i"]', _some(_text)),
]
Host = Annotated[str, Kind("host", 'a host such as "mail.example.org" (its port has a key of its own)', _host)]
Address = Annotated[str, Kind("address", 'a mail address such as "you@example.org"', _address)]
Addresses = Annotated[
    tuple[str, ...],
    Kind("list of addresses", 'a list of mail addresses such as ["you@example.org"]', _some(_address)),
]
Size = Annotated[int, Kind("size", SIZE_EXPECTED, _whole(1, _MOST, parse_size))]
SizeOr0 = Annotated[int, Kind("size", SIZE_EXPECTED + ", or 0", _whole(0, _MOST, parse_size))]
PageBytes = Annotated[int, Kind("size", 'a power of two such as 4096 or "8k"', _page_bytes)]
Duration = Annotated[int, _duration(1, DURATION_EXPECTED)]
DurationOr0 = Annotated[int, _duration(0, DURATION_EXPECTED + ", or 0")]
Clock = Annotated[
    int, Kind("time", 'a time of the day such as "02:30"', _clock, lambda m: f'"{m // 60:02}:{m % 60:02}"')
]
Days = Annotated[tuple[str, ...], Kind("list of days", f"a list of {', '.join(DAYS)}", _some(_day))]
Count = Annotated[int, Kind("number", "a whole number, at least 1", _whole(1, _MOST))]
Hours = Annotated[
    tuple[int, int],
    Kind("hours", 'hours such as "22:00-07:00"', _hours, lambda hours: json.dumps("-".join(map(_clock_text, hours)))),
]
CountOr0 = Annotated[int, Kind("number", "a whole number, 0 or more", _whole(0, _MOST))]
Severities = Annotated[
    tuple[str, ...], Kind("list of severities", 'a list such as ["critical"] or ["critical", "warning"]', _severities)
]
BoardPatterns = Annotated[
    tuple[str, ...], Kind("list of names", 'a list of board names or patterns such as ["roof-*"]', _some(_text))
]
Url = Annotated[str, Kind("URL", 'an address such as "https://example.org/alerts"', _url)]
Port = Annotated[int, Kind("number", "a port number from 1 to 65535", _whole(1, 65535))]
Flag = Annotated[bool, Kind("true or false", "true or false", _flag)]
Severity = Annotated[str, choice("critical", "warning", "off")]
Security = Annotated[str, choice("none", "starttls", "tls")]
BridgeFormat = Annotated[str, choice("influx", "remote-write")]
PairRole = Annotated[str, choice("first", "spare")]
TokenScheme = Annotated[str, choice("Bearer", "Token")]
Rule = Annotated[str, choice(*RULES)]
AlertTable = Annotated[tuple[tuple[str, Any], ...], ALERT_TABLE]  # (attribute, value)
Level = Annotated[
    int | float | str, Kind("limit", 'a number, a size such as "300k" or a duration such as "2h"', _level)
]
AlertSeverity = Annotated[str, choice("critical", "warning")]
BlockSize = Annotated[int, Kind("size", 'a power of two such as 65536 or "64k"', _block_bytes)]
Listen = Annotated[str, Kind("address and port", LISTEN_EXPECTED, _listen)]
