"""Settings that are valid but may be a mistake, for `check-config`: in words, with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from buddywatch.config.board_secrets import BoardSecrets
from buddywatch.config.kinds import split_listen
from buddywatch.config.problems import ConfigError
from buddywatch.config.secret_places import SecretError
from buddywatch.config.sections import Config, Need
from buddywatch.links.urls import split_board
from buddywatch.model.samples import KERNEL_FAILURE_KINDS
from buddywatch.store.store import Store, StoreError
from buddywatch.text.addresses import is_loopback
from buddywatch.text.escape import escaped

_FAILURES = 200  # of a board, in which programs are looked for
# Programs of BusyBox and of its like that boards start all the time.
_PROGRAMS = frozenset((
    "ash", "awk", "busybox", "cat", "chmod", "cp", "date", "dd", "df", "dmesg", "echo", "find", "free", "getty",
    "grep", "gunzip", "gzip", "httpd", "hush", "ifconfig", "inetd", "insmod", "kill", "ln", "login", "ls",
    "mkdir", "mount", "mv", "nc", "netstat", "ntpd", "ping", "ps", "reboot", "rm", "rmdir", "route", "sed", "sh",
    "sleep", "sync", "syslogd", "tail", "tar", "telnet", "telnetd", "tftp", "top", "touch", "udhcpc", "umount",
    "vi", "wget"
))  # fmt: skip


def notes(config: Config) -> Iterator[str]:
    if config.mail is None and not config.hooks and not config.receivers:
        yield "nobody gets the alerts: there is no [mail], no [[hook]] and no [[receiver]]"
    if config.mail is not None:
        try:
            config.mail.password()
        except ConfigError as error:
            yield f"mail cannot log in when started from here: {error.lines[0]}"
    if config.metrics is not None and not is_loopback(split_listen(config.metrics.listen)[0]):
        yield f"[metrics] listen = {config.metrics.listen}: everybody who reaches it can read the page"
    secrets = BoardSecrets.of(config)
    for board in config.boards:
        try:
            secrets.key(board.name)
        except SecretError as error:
            yield f"{board.name}: its secret cannot be read when started from here: {error}"
    heard, failed = _stored(config)
    yield from _unknown_boards(config, heard)
    for need in config.needs if config.path is not None else ():
        yield from _program_note(need, failed)


def _unknown_boards(config: Config, heard: set[str]) -> Iterator[str]:
    """Boards that are named, but that nothing leads to."""
    of_links = [split_board(url)[1] for url in config.collector.links]
    linked = {name for name in of_links if name is not None}
    known = linked | heard | {board.name for board in config.boards}
    for where, names in _named(config):
        for name in names:
            if name not in known and not set(name) & set("*?["):
                yield f"{where}: no [[board]], no link and no stored data has a board {escaped(name)}"
    if config.collector.links and None not in of_links:  # else a board may call itself so
        for board in config.boards:
            if board.name not in linked | heard:
                yield f"[[board]] {board.name}: no link leads to it; add ?board={board.name} to one"


def _named(config: Config) -> Iterator[tuple[str, Iterable[str]]]:
    """Where the file names boards, besides [[board]]."""
    for need in config.needs:
        yield f"[[need]] {need.name}", need.boards or ()
    for group in config.groups:
        yield f"[[group]] {group.name}", group.boards
    for rule in config.rules:
        yield f"[[rule]] {rule.name}", rule.boards or ()
    for receiver in config.receivers:
        yield f"[[receiver]] {receiver.name}", receiver.boards or ()
    for window in config.windows:
        yield "[[window]]", window.boards or ()


def _program_note(need: Need, failed: set[str]) -> Iterator[str]:
    if need.is_program or not (need.name in _PROGRAMS or need.name in failed):
        return
    yield f"[[need]] {need.name}: if this is a program, add exec = true: its start takes some single pages, too"


def _stored(config: Config) -> tuple[set[str], set[str]]:
    """Boards with stored data, and programs whose requests the kernel refused; nothing without a database."""
    try:
        with Store.open_readonly(config.collector.db) as store:
            boards = store.boards()
            events = [store.newest_events(board, _FAILURES, kinds=KERNEL_FAILURE_KINDS) for board in boards]
    except StoreError:
        return set(), set()
    return set(boards), {event.comm for found in events for event in found if event.comm}
