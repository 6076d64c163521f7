"""The sections of a configuration. Each field is the only definition of a key: kind of value, default and meaning.

Annotated[kind, meaning, name], with the name in the file where it is not the field's; a unit (_s) is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

from buddywatch.config import kinds as k
from buddywatch.config.bridges import Bridge, FleetEngine, Pair
from buddywatch.config.own_rules import OwnRule, is_among
from buddywatch.config.problems import ConfigError
from buddywatch.config.secret_places import SecretError, first_line, from_environment
from buddywatch.protocol.board_names import board_name, other_names

NOT_A_CONSTANT = object()  # marks a key that may be left out although its default is not a constant
PORTS = {"none": 25, "starttls": 587, "tls": 465}  # RFC 5321, RFC 6409, RFC 8314


@dataclass(frozen=True)
class Collector:
    db: Annotated[k.AnyPath, "the database; else buddywatch/buddywatch.db under $XDG_DATA_HOME", NOT_A_CONSTANT]
    links: Annotated[k.Links, "links to collect from when the command line names none"] = ()
    hole_patience_s: Annotated[k.Duration, "how long to ask again for a frame that the board still holds"] = 60
    write_every_s: Annotated[
        k.Duration | None,
        "time between two writes of snapshots that the boards still hold; else every second for 5 minutes, then 2 min",
    ] = None


@dataclass(frozen=True)
class Storage:
    """How long what is stored is kept."""

    keep_raw_s: Annotated[k.Duration, "how long every snapshot is kept; then summaries of about 100 of them"] = (
        90 * 86_400
    )
    keep_rollups_s: Annotated[
        k.Duration, "how long these, and roll-ups of 15 minutes, are kept; those of a day stay"
    ] = 5 * 365 * 86_400
    keep_events_s: Annotated[
        k.Duration, "how long events and gaps of boots that are over, and alerts that ended, are kept"
    ] = 5 * 365 * 86_400
    max_bytes: Annotated[k.SizeOr0, "from which size on the oldest snapshots become summaries earlier; 0: no limit"] = 0


@dataclass(frozen=True)
class Board:
    """The settings of one board; None: not set."""

    name: Annotated[k.Name, "the board's name, as in its hello"]
    rule: Annotated[k.Rule | None, "the kernel's allocation rule; else taken from the kernel release"] = None
    page_bytes: Annotated[k.PageBytes | None, "the page size; else what the board says"] = None
    needs: Annotated[k.Names | None, "names of the needs to judge; else all that apply to it"] = None
    secret_file: Annotated[k.SecretFile | None, "the file with the secret that the board must prove; see Secrets"] = (
        None
    )
    alert: Annotated[k.AlertTable, "what differs from [alert] for this board, see Groups"] = ()


@dataclass(frozen=True)
class Group:
    """Boards that have settings in common."""

    name: Annotated[k.Name, "the group's name"]
    boards: Annotated[k.BoardPatterns, "its boards; patterns such as roof-* are allowed"]
    alert: Annotated[k.AlertTable, "what differs from [alert] for these boards, see Groups"] = ()


@dataclass(frozen=True)
class Need:
    """bytes: what must be available in one piece. is_program: an exec takes other pages first. boards: None = all."""

    name: Annotated[k.Name, "the need's name"]
    bytes: Annotated[k.Size, "contiguous bytes the board must be able to get; or program", NOT_A_CONSTANT]
    program: Annotated[k.AnyPath | None, "a bFLT or ELF file whose largest block is the need; or bytes"] = field(
        default=None, kw_only=True, compare=False
    )  # it is in bytes
    is_program: Annotated[k.Flag, "count the pages an exec takes beforehand; true with program", "exec"] = False
    boards: Annotated[k.Names | None, "names of the boards it applies to; else all"] = None


# The request of the failure that this project began with: `rm` of BusyBox on an 8 MB board.
DEFAULT_NEEDS = (Need("rm", 61440, is_program=True),)


@dataclass(frozen=True)
class BoardAlert:
    """What may differ from board to board. Severities are "critical", "warning" or "off"; repeat_after_s 0 = never."""

    refused: Annotated[k.Severity, "the kernel would refuse a need"] = "critical"
    tight: Annotated[k.Severity, "a need passes only at the min mark"] = "warning"
    kernel_failure: Annotated[k.Severity, "the kernel reported a failed allocation"] = "critical"
    silent: Annotated[k.Severity, "nothing came from the board for silent_after"] = "critical"
    silent_after_s: Annotated[k.Duration, "see silent"] = 120
    rebooted: Annotated[k.Severity, "the board started again"] = "warning"
    lost: Annotated[k.Severity, "snapshots were lost"] = "warning"
    refused_within_s: Annotated[k.DurationOr0, "warn if the forecast says that a need is refused within; 0 = never"] = (
        86400
    )
    hold_samples: Annotated[k.Count, "received samples a state must hold before it fires"] = 2
    clear_samples: Annotated[k.Count, "good samples in a row before it clears"] = 6
    repeat_after_s: Annotated[k.DurationOr0, "remind of an open alert; 0 = never"] = 14400
    quiet: Annotated[k.Hours | None, "quiet hours, in which only critical alerts are sent; warnings wait"] = None


@dataclass(frozen=True)
class Alert(BoardAlert):
    batch_s: Annotated[k.DurationOr0, "gather what happens to a board into one message"] = 30
    digest: Annotated[k.Clock | None, "send a digest of the last 24 h every day at this time; also a sign of life"] = (
        None
    )
    per_hour: Annotated[
        k.CountOr0, "the most messages in an hour; what happens beyond waits for one message; 0 = any"
    ] = 20


@dataclass(frozen=True)
class Mail:
    """How mail is sent: by SMTP to server, or to the standard input of command; exactly one of the two is set."""

    to: Annotated[k.Addresses, "who gets the mail"]
    sender: Annotated[k.Address, "the sender", "from"]
    server: Annotated[k.Host | None, "the SMTP server; or command"] = None
    port: Annotated[k.Port | None, "else 25, 587 or 465 by security"] = None
    security: Annotated[k.Security, "how the connection is protected; the certificate is verified"] = "starttls"
    user: Annotated[k.Text | None, "log in under this name"] = None
    password_file: Annotated[
        k.SecretFile | None, "the file with the password, readable by its owner (and group) only"
    ] = None
    password_env: Annotated[k.Name | None, "the environment variable with the password"] = None
    allow_clear_login: Annotated[k.Flag, 'log in with security = "none" to another machine all the same'] = False
    ca_file: Annotated[k.File | None, "certificates (PEM) to trust instead of the system's"] = None
    timeout_s: Annotated[k.Duration, "the longest that sending one mail may take"] = 30
    command: Annotated[k.Command, "a sendmail-compatible program that gets the mail; or server"] = ()

    def smtp_port(self) -> int:
        return self.port or PORTS[self.security]

    def password(self) -> str | None:
        """The password, read now and kept nowhere; None without a login. Raises ConfigError."""
        what = "the mail password"
        try:
            if self.password_env is not None:
                return from_environment(self.password_env, what)
            return None if self.password_file is None else first_line(self.password_file, what)
        except SecretError as error:
            raise ConfigError([str(error)]) from None


@dataclass(frozen=True)
class Hook:
    name: Annotated[k.Name, "the hook's name"]
    command: Annotated[k.Command, "the program to run for a message, given as JSON on its input"]
    timeout_s: Annotated[k.Duration, "stop it after this time"] = 30


@dataclass(frozen=True)
class Receiver:
    """Somebody, or something, that gets some of the messages. Exactly one of to, webhook, syslog and file is set."""

    name: Annotated[k.Name, "the receiver's name"]
    severities: Annotated[k.Severities, "what it gets"] = ("critical", "warning")
    boards: Annotated[k.BoardPatterns | None, "about which boards; patterns such as roof-* are allowed; else all"] = (
        None
    )
    to: Annotated[k.Addresses, "by mail, sent as [mail] says; or webhook, syslog or file"] = ()
    webhook: Annotated[k.Url | None, "by POST of the JSON that hooks get"] = None
    sign_file: Annotated[k.SecretFile | None, "the file with the key that signs what webhook posts"] = None
    syslog: Annotated[k.Text | None, 'a line by syslog, to a socket ("/dev/log") or a host ("10.0.0.1:514")'] = None
    file: Annotated[k.AnyPath | None, "a line of JSON at the end of this file"] = None
    timeout_s: Annotated[k.Duration, "the longest that one attempt may take"] = 30


@dataclass(frozen=True)
class Heartbeat:
    """A sign of life for an outside watcher, while the collector runs and its database can be written."""

    every_s: Annotated[k.Duration, "how often"] = 60
    url: Annotated[k.Url | None, "an address that is fetched (GET)"] = None
    file: Annotated[k.AnyPath | None, "a file whose time is set to now"] = None


@dataclass(frozen=True)
class Report:
    """A report by mail, sent by the collector."""

    at: Annotated[k.Clock, "when it is sent, by the clock of the collector's machine"] = 7 * 60
    days: Annotated[k.Days, "on which days"] = ("mon",)
    since_s: Annotated[k.Duration, "how far back it goes"] = 7 * 86_400
    to: Annotated[k.Addresses, "who gets it; else those of [mail]"] = ()


@dataclass(frozen=True)
class Metrics:
    """A read-only page, values for Prometheus and the collector's health, by HTTP."""

    listen: Annotated[k.Listen, "where; everybody who reaches it may read"] = "127.0.0.1:9471"


@dataclass(frozen=True)
class Window:
    """When boards may be rebooted. Minutes since midnight, by this machine's clock; it may span midnight."""

    begin: Annotated[k.Clock, "its beginning, by the clock of the collector's machine", "from"]
    end: Annotated[k.Clock, "its end; on the next day if it is not after from", "to"]
    days: Annotated[k.Days, "the days on which it begins"] = k.DAYS
    boards: Annotated[k.Names | None, "names of the boards that may be rebooted then; else all"] = None


@dataclass(frozen=True)
class Config:
    """path: the configuration file, None if there is none and all values are defaults.

    file_problems: problems of the files that it names; only some commands need them, see check_files().
    """

    collector: Collector
    boards: tuple[Board, ...] = ()
    needs: tuple[Need, ...] = DEFAULT_NEEDS
    alert: Alert = field(default_factory=Alert)
    storage: Storage = field(default_factory=Storage)
    mail: Mail | None = None
    hooks: tuple[Hook, ...] = ()
    windows: tuple[Window, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    heartbeat: Heartbeat | None = None
    report: Report | None = None
    metrics: Metrics | None = None
    groups: tuple[Group, ...] = ()
    rules: tuple[OwnRule, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    fleet: FleetEngine | None = None
    pair: Pair | None = None
    path: Path | None = None
    file_problems: tuple[str, ...] = field(default=(), compare=False)

    def check_files(self) -> None:
        """For commands that need passwords and secrets. Raises ConfigError if a file is missing or not private."""
        if self.file_problems:
            raise ConfigError(list(self.file_problems))

    def name_of(self, kept_as: str, facts: Mapping[str, str]) -> str:
        """The name of a board in this file. facts: its hello's.

        Of two boards with one name, the second is stored as NAME-2: the settings of NAME apply to it as well, unless
        the file names NAME-2, or the board reports that name itself.
        """
        named = self._names
        if kept_as in named or not facts or board_name(facts) == kept_as:
            return kept_as
        return next((name for name in sorted(named) if kept_as in other_names(name)), kept_as)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Of all boards that the file names."""
        return frozenset(self._by_name).union(*(need.boards or () for need in self.needs))

    @cached_property
    def _by_name(self) -> dict[str, Board]:
        return {board.name: board for board in reversed(self.boards)}

    def board(self, name: str) -> Board:
        """The settings of a board, by name_of(); the defaults if the file does not name it."""
        return self._by_name.get(name) or Board(name)

    def groups_of(self, name: str) -> tuple[Group, ...]:
        """The groups of a board, by name_of()."""
        return tuple(group for group in self.groups if is_among(name, group.boards))

    def alert_of(self, name: str) -> Alert:
        """The settings of the alerts of a board, by name_of(): [alert], then its groups, then its own, one by one."""
        changes = [change for group in self.groups_of(name) for change in group.alert]
        changes += self.board(name).alert
        return replace(self.alert, **dict(changes)) if changes else self.alert

    @property
    def has_alerts_of_boards(self) -> bool:
        """False if [alert] holds for each board."""
        return any(group.alert for group in self.groups) or any(board.alert for board in self.boards)

    def rules_of(self, name: str) -> tuple[OwnRule, ...]:
        """The own rules that apply to a board, by name_of()."""
        groups = {group.name for group in self.groups_of(name)}
        needs = {need.name for need in self.needs_of(name)}
        return tuple(rule for rule in self.rules if rule.applies_to(name, groups, needs))

    def windows_of(self, board_name: str) -> tuple[Window, ...]:
        """When a board may be rebooted, by name_of()."""
        return tuple(window for window in self.windows if window.boards is None or board_name in window.boards)

    def needs_of(self, board_name: str) -> tuple[Need, ...]:
        """The needs to judge for a board, by name_of(): all that apply, or only those that its section lists."""
        chosen = self.board(board_name).needs
        return tuple(
            need
            for need in self.needs
            if (need.boards is None or board_name in need.boards) and (chosen is None or need.name in chosen)
        )
