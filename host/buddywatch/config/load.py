"""The configuration: one TOML file, read into values that cannot be wrong.

Keys, types and defaults: config_schema.KEYS; [mail]: config_mail. Paths in the file are relative to its folder;
"~/" is the home folder.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buddywatch.config.files import check_file
from buddywatch.config.mail import Mail, check_mail
from buddywatch.config.schema import attributes
from buddywatch.config.toml import ConfigError, Problems, read_sections, read_toml, shown
from buddywatch.verdict.programs import ProgramError, need_bytes

__all__ = [
    "DEFAULT_NEEDS",
    "Alert",
    "Board",
    "Collector",
    "Config",
    "ConfigError",
    "Hook",
    "Mail",
    "Need",
    "default_config_path",
    "default_db_path",
    "load",
]

SYSTEM_CONFIG = Path("/etc/buddywatch/config.toml")


@dataclass(frozen=True)
class Collector:
    db: Path
    links: tuple[str, ...] = ()
    hole_patience_s: int = 60


@dataclass(frozen=True)
class Board:
    """What the file says about one board; None: not said."""

    name: str
    rule: str | None = None
    page_bytes: int | None = None
    silent_after_s: int | None = None
    needs: tuple[str, ...] | None = None
    secret_file: Path | None = None


@dataclass(frozen=True)
class Need:
    """bytes: what must be available in one piece. is_program: an exec takes other pages first. boards: None = all."""

    name: str
    bytes: int
    is_program: bool = False
    boards: tuple[str, ...] | None = None


# The request of the failure that this project began with: `rm` of BusyBox on an 8 MB board.
DEFAULT_NEEDS = (Need("rm", 61440, is_program=True),)


@dataclass(frozen=True)
class Alert:
    """Severities are "critical", "warning" or "off"; repeat_after_s 0 = never."""

    refused: str = "critical"
    tight: str = "warning"
    kernel_failure: str = "critical"
    silent: str = "critical"
    silent_after_s: int = 120
    rebooted: str = "warning"
    lost: str = "warning"
    refused_within_s: int | None = None
    hold_samples: int = 2
    clear_samples: int = 6
    repeat_after_s: int = 14400
    batch_s: int = 30


@dataclass(frozen=True)
class Hook:
    name: str
    command: tuple[str, ...]
    timeout_s: int = 30


@dataclass(frozen=True)
class Config:
    """path: the file it came from, None where there is none and all are defaults."""

    collector: Collector
    boards: tuple[Board, ...] = ()
    needs: tuple[Need, ...] = DEFAULT_NEEDS
    alert: Alert = field(default_factory=Alert)
    mail: Mail | None = None
    hooks: tuple[Hook, ...] = ()
    path: Path | None = None

    def board(self, name: str) -> Board:
        """What is said about a board; a board that the file does not name has the defaults."""
        return next((board for board in self.boards if board.name == name), Board(name))

    def needs_of(self, board_name: str) -> tuple[Need, ...]:
        """The needs to judge for a board: those meant for it, of which its section may list some."""
        chosen = self.board(board_name).needs
        return tuple(
            need
            for need in self.needs
            if (need.boards is None or board_name in need.boards) and (chosen is None or need.name in chosen)
        )


def load(path: str | Path | None, env: Mapping[str, str]) -> Config:
    """The configuration in `path`, else in the first default place that has one, else all defaults.

    env gives the default places ($XDG_CONFIG_HOME, $HOME ...). Raises ConfigError with all that is wrong.
    """
    chosen = Path(path) if path is not None else default_config_path(env)
    if chosen is None:
        return Config(Collector(default_db_path(env)))
    return _Builder(chosen, env).config()


def default_config_path(env: Mapping[str, str]) -> Path | None:
    """The configuration used when none is named: the user's, else the system's, else None."""
    places = (_xdg_folder(env, "XDG_CONFIG_HOME", ".config") / "buddywatch/config.toml", SYSTEM_CONFIG)
    return next((place for place in places if os.path.exists(place)), None)


def default_db_path(env: Mapping[str, str]) -> Path:
    """The database used when none is named: in the folder systemd made for the service, else in the user's data."""
    state = env.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd separates several by colons
    folder = Path(state) if state else _xdg_folder(env, "XDG_DATA_HOME", ".local/share") / "buddywatch"
    return folder / "buddywatch.db"


def _xdg_folder(env: Mapping[str, str], variable: str, under_home: str) -> Path:
    folder = Path(env.get(variable, ""))
    # The XDG base directory specification has relative folders ignored.
    return folder if folder.is_absolute() else _home(env) / under_home


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or os.path.expanduser("~"))


class _Builder:
    """Makes a Config of one file; what is wrong is gathered, so that one look shows all of it."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = env
        self.problems = Problems(str(path))

    def config(self) -> Config:
        sections = read_sections(read_toml(self.path), self.problems)
        # Cross-checks are made on what was readable (None is not); values are made only when nothing is wrong.
        for section in ("board", "need", "hook"):
            self._check_names(section, sections[section])
        for where, values in sections["board"]:
            if values.get("secret_file"):
                values["secret_file"] = self._file(values["secret_file"])
                check_file(where, "secret_file", values["secret_file"], self.problems)
        needs = [self._need_values(where, values) for where, values in sections["need"]]
        self._check_board_needs(sections["board"], [values.get("name") for values in needs])
        for where, values in sections["mail"]:
            values.update({name: self._file(values[name]) for name in ("password_file", "ca_file") if values.get(name)})
            check_mail(where, values, self.problems)
        if self.problems.lines:
            raise ConfigError(self.problems.lines)
        collector, alert, mail = ([values for _, values in sections[name]] for name in ("collector", "alert", "mail"))
        return Config(
            collector=self._collector(collector[0] if collector else {}),
            boards=tuple(Board(**attributes("board", values)) for _, values in sections["board"]),
            needs=tuple(Need(**values) for values in needs) or DEFAULT_NEEDS,
            alert=Alert(**attributes("alert", alert[0])) if alert else Alert(),
            mail=Mail(**attributes("mail", mail[0])) if mail else None,
            hooks=tuple(Hook(**attributes("hook", values)) for _, values in sections["hook"]),
            path=self.path,
        )

    def _collector(self, values: dict[str, Any]) -> Collector:
        db = self._file(values["db"]) if "db" in values else default_db_path(self.env)
        return Collector(**{**attributes("collector", values), "db": db})

    def _check_names(self, section: str, tables: list[tuple[str, dict[str, Any]]]) -> None:
        seen: set[str] = set()
        for where, values in tables:
            name = values.get("name")
            if name in seen:
                self.problems.wrong(where, "name", name, f"used twice; every {section} has a name of its own")
            seen.add(name or where)

    def _check_board_needs(self, boards: list[tuple[str, dict[str, Any]]], named: list[str | None]) -> None:
        known = named or [need.name for need in DEFAULT_NEEDS]
        for where, values in boards:
            for name in values.get("needs") or ():
                if name not in known:
                    self.problems.wrong(
                        where, "needs", name, f"no such need; expected one of {', '.join(filter(None, known))}"
                    )

    def _need_values(self, where: str, values: dict[str, Any]) -> dict[str, Any]:
        if ("bytes" in values) == ("program" in values):
            found = "both bytes and program" if "bytes" in values else "neither bytes nor program"
            self.problems.add(f"{where} has {found}; expected one of the two")
        result = {"is_program": "program" in values, **attributes("need", values)}
        if values.get("program"):
            try:
                result["bytes"] = need_bytes(self._file(values["program"]))
            except ProgramError as error:
                self.problems.add(f"{where} program = {shown(values['program'])}: {error}")
        return result

    def _file(self, text: str) -> Path:
        return self.path.parent / (_home(self.env) / text[2:] if text.startswith("~/") else text)
