"""The questions of `buddywatch init`: each takes a text and gives a checked answer, or says what it expects."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import need
from buddywatch.config.kinds import Address, Host, Kind, Name
from buddywatch.config.sections import Collector, Config
from buddywatch.links.factory import Doors
from buddywatch.links.urls import is_shell
from buddywatch.text.addresses import is_loopback
from buddywatch.verdict.programs import ProgramError, need_bytes

SENDMAIL = Path("/usr/sbin/sendmail")
DEFAULT_NEED = "rm=61440:exec"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class NeedAnswer:
    """program: the file that the need is read from; bytes and is_program otherwise."""

    name: str
    bytes: int
    is_program: bool = False
    program: Path | None = None


@dataclass(frozen=True)
class MailServer:
    """command: a program that sends mail; host, port, user and security otherwise."""

    host: str = ""
    port: int | None = None
    user: str = ""
    security: str = "starttls"
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class MailAnswer:
    to: tuple[str, ...]
    sender: str
    server: MailServer


def ask(question: str, default: str, read: Callable[[str], _Answer]) -> _Answer:
    """Ask until the answer can be used. CommandError: there will be no answer."""
    while True:
        try:
            text = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
        except EOFError:
            raise CommandError("no answer; nothing was written") from None
        try:
            return read(text)
        except ValueError as error:
            print(f"  {error}", file=sys.stderr)


def ask_secret(question: str) -> str:
    """A secret, typed without an echo; "": none."""
    try:
        return getpass(f"{question} (not shown; Enter: none): ")
    except EOFError:
        raise CommandError("no answer; nothing was written") from None


def link(text: str) -> str:
    """A link that can be opened. ValueError."""
    if not text:
        raise ValueError("expected a link, such as telnet://192.168.1.7:2323 or hush://root@192.168.1.7")
    Doors(Config(Collector(Path()))).connection(text)  # nothing is opened before its start()
    return text


def asks_login(url: str) -> bool:
    """Whether a password may belong to the link: it has a user's name, and does not say where the password is."""
    return (is_shell(url) or "@" in urlsplit(url).netloc) and "login=" not in url and "@" in url


def with_option(url: str, name: str, value: str) -> str:
    """The link with one option more."""
    return f"{url}{'&' if '?' in url else '?'}{name}={quote(value, safe='/:')}"


def board(text: str) -> str:
    """A board's name; "": as it calls itself. ValueError."""
    return _read(Name, text) if text else ""


def needs(text: str) -> tuple[NeedAnswer, ...]:
    """NAME=BYTES, NAME=BYTES:exec or program files, with commas or blanks between them. ValueError."""
    found = [one_need(word) for word in text.replace(",", " ").split()]
    return distinct(found)


def distinct(found: Iterable[NeedAnswer]) -> tuple[NeedAnswer, ...]:
    """The needs, if there are any and no two of them have one name. ValueError."""
    by_name: dict[str, NeedAnswer] = {}
    for one in found:
        if one.name in by_name:
            raise ValueError(f"{one.name}: used twice; every need has a name of its own")
        by_name[one.name] = one
    if not by_name:
        raise ValueError(f"expected a need, such as {DEFAULT_NEED} or the file of a program")
    return tuple(by_name.values())


def one_need(word: str) -> NeedAnswer:
    path = Path(word).expanduser()
    if "=" in word and not path.exists():
        try:
            found = need(word)
        except Exception as error:  # argparse's, which is no ValueError
            raise ValueError(str(error)) from None
        return NeedAnswer(_read(Name, found.name), found.bytes, found.is_program)
    try:
        size = need_bytes(path)
    except ProgramError as error:
        raise ValueError(str(error)) from None
    return NeedAnswer(_NOT_IN_A_NAME.sub("_", path.name)[:64], size, True, path.absolute())


def addresses(text: str) -> tuple[str, ...]:
    """Mail addresses with commas or blanks between them; none. ValueError."""
    return tuple(address(word) for word in text.replace(",", " ").split())


def address(text: str) -> str:
    return _read(Address, text)


def default_sender() -> str:
    return f"buddywatch@{_NOT_IN_A_NAME.sub('', socket.gethostname()).strip('.-') or 'localhost'}"


def default_server() -> str:
    return str(SENDMAIL) if SENDMAIL.exists() else "localhost"


def mail_server(text: str) -> MailServer:
    """[USER@]HOST[:PORT], or the path of a program that takes mail as sendmail does. ValueError."""
    if text.startswith("/"):
        if not Path(text).is_file():
            raise ValueError(f"{text}: no such program")
        return MailServer(command=(text, "-t", "-i"))
    try:
        parts = urlsplit(f"//{text}")
        host, port = _read(Host, parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError(f"{text}: expected [USER@]HOST[:PORT], or the path of a program") from None
    if parts.password is not None:
        raise ValueError("a password does not belong here; it is asked for, or put it into a file")
    security = "tls" if port == 465 else "none" if is_loopback(host) else "starttls"
    return MailServer(host, port, parts.username or "", security)


def _read(hint: Any, text: str) -> str:
    (kind,) = (found for found in hint.__metadata__ if isinstance(found, Kind))
    try:
        return str(kind.read(text))
    except (ValueError, TypeError):
        raise ValueError(f"{text}: expected {kind.expected}") from None
