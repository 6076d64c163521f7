"""Loads the configuration: one TOML file, read into checked values.

Keys, types and defaults: sections.py. Paths in the file are relative to its folder; "~/" is the home folder.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from buddywatch.config.files import check_file
from buddywatch.config.kinds import FILE, PATH, SECRET_FILE
from buddywatch.config.mail import check_heartbeat, check_mail, check_receiver, check_report
from buddywatch.config.own_rules import check_rule
from buddywatch.config.pair import check_pair
from buddywatch.config.problems import ConfigError, Problems
from buddywatch.config.schema import SECTIONS, attributes, keys_of
from buddywatch.config.sections import (
    DEFAULT_NEEDS,
    Alert,
    Collector,
    Config,
    Need,
    Storage,
)
from buddywatch.config.toml import read_sections, read_toml

_PLAIN = SECTIONS.keys() - {"collector", "need"}  # whose keys are all that their class takes
_LISTS = {
    "boards": "board", "groups": "group", "rules": "rule", "windows": "window", "bridges": "bridge", "hooks": "hook",
    "receivers": "receiver",
}  # fmt: skip
SYSTEM_CONFIG = Path("/etc/buddywatch/config.toml")


def load(path: str | Path | None, env: Mapping[str, str]) -> Config:
    """The configuration in `path`, else in the first default place that has one, else all defaults.

    env: gives the default places ($XDG_CONFIG_HOME, $HOME ...). Raises ConfigError with all problems.
    """
    chosen = Path(path) if path is not None else default_config_path(env)
    if chosen is None:
        return Config(Collector(default_db_path(env)))
    return _Builder(chosen, env).config()


def default_config_path(env: Mapping[str, str]) -> Path | None:
    """The configuration used when none is named: the user's, else the system's, else None."""
    places = (user_config_path(env), SYSTEM_CONFIG)
    return next((place for place in places if os.path.exists(place)), None)


def user_config_path(env: Mapping[str, str]) -> Path:
    """Where the user's own configuration is, or would be."""
    return _xdg_folder(env, "XDG_CONFIG_HOME", ".config") / "buddywatch/config.toml"


def default_db_path(env: Mapping[str, str]) -> Path:
    """The database used when none is named: in the folder systemd made for the service, else in the user's data."""
    state = env.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd separates several by colons
    folder = Path(state) if state else _xdg_folder(env, "XDG_DATA_HOME", ".local/share") / "buddywatch"
    return folder / "buddywatch.db"


def _xdg_folder(env: Mapping[str, str], variable: str, under_home: str) -> Path:
    folder = Path(env.get(variable, ""))
    # The XDG base directory specification says that relative folders are ignored.
    return folder if folder.is_absolute() else _home(env) / under_home


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or os.path.expanduser("~"))


class _Builder:
    """Makes a Config from one file, and collects all problems, so that the user sees them at once."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = env
        self.problems = Problems(str(path))
        self.file_problems = Problems(str(path))

    def config(self) -> Config:
        data, text = read_toml(self.path)
        self.problems.text = self.file_problems.text = text
        sections = read_sections(data, self.problems)
        # Cross-checks use the readable values (the others are None); the Config is made only if there is no problem.
        for section, tables in sections.items():
            self._check_names(section, tables)
            for where, values in tables:
                self._resolve_paths(section, where, values)
        needs = [self._need_values(where, values) for where, values in sections["need"]]
        named = [str(values.get("name")) for values in needs] or [need.name for need in DEFAULT_NEEDS]
        self._check_board_needs(sections["board"], named)
        groups = [str(values.get("name")) for _, values in sections["group"]]
        for where, values in sections["rule"]:
            check_rule(where, values, named, groups, self.problems)
        for where, values in sections["mail"]:
            check_mail(where, values, self.problems)
        for where, values in sections["receiver"]:
            check_receiver(where, values, bool(sections["mail"]), self.problems)
        for where, values in sections["heartbeat"]:
            check_heartbeat(where, values, self.problems)
        for where, _ in sections["report"]:
            check_report(where, bool(sections["mail"]), self.problems)
        for where, _ in sections["pair"]:
            check_pair(where, bool(sections["fleet"]), [values for _, values in sections["bridge"]], self.problems)
        if self.problems.lines:
            raise ConfigError(self.problems.lines + self.file_problems.lines)
        made = {section: tuple(_made(section, tables)) for section, tables in sections.items() if section in _PLAIN}
        collector = next((values for _, values in sections["collector"]), {})
        return Config(
            collector=self._collector(collector),
            needs=tuple(Need(**values) for values in needs) or DEFAULT_NEEDS,
            **{attribute: made[section] for attribute, section in _LISTS.items()},
            alert=next(iter(made["alert"]), Alert()),
            storage=next(iter(made["storage"]), Storage()),
            mail=next(iter(made["mail"]), None),
            heartbeat=next(iter(made["heartbeat"]), None),
            report=next(iter(made["report"]), None),
            metrics=next(iter(made["metrics"]), None),
            fleet=next(iter(made["fleet"]), None),
            pair=next(iter(made["pair"]), None),
            path=self.path,
            file_problems=tuple(self.file_problems.lines),
        )

    def _collector(self, values: dict[str, Any]) -> Collector:
        return Collector(**{"db": default_db_path(self.env), **attributes("collector", values)})

    def _resolve_paths(self, section: str, where: str, values: dict[str, Any]) -> None:
        for key in keys_of(section):
            if key.kind in (PATH, FILE, SECRET_FILE) and values.get(key.name):
                values[key.name] = self._file(values[key.name])
                if key.kind is not PATH:
                    check_file(f"{where} {key.name}", values[key.name], key.kind, self.file_problems)

    def _check_names(self, section: str, tables: list[tuple[str, dict[str, Any]]]) -> None:
        seen: set[str] = set()
        for where, values in tables:
            name = values.get("name")
            if name in seen and name is not None:
                self.problems.wrong(where, "name", name, f"used twice; every {section} has a name of its own")
            seen.add(name or where)

    def _check_board_needs(self, boards: list[tuple[str, dict[str, Any]]], known: list[str]) -> None:
        for where, values in boards:
            for name in values.get("needs") or ():
                if name not in known:
                    self.problems.wrong(where, "needs", name, f"no such need; expected one of {', '.join(known)}")

    def _need_values(self, where: str, values: dict[str, Any]) -> dict[str, Any]:
        if ("bytes" in values) == ("program" in values):
            found = "both bytes and program" if "bytes" in values else "neither bytes nor program"
            self.problems.add(f"{where} has {found}; expected one of the two")
        result = {"is_program": "program" in values, **attributes("need", values)}
        if values.get("program"):
            from buddywatch.verdict.programs import ProgramError, need_bytes  # few configurations name a program

            try:
                result["bytes"] = need_bytes(values["program"])
            except ProgramError as error:
                self.problems.add(f"{where} program: {error}")
        return result

    def _file(self, text: str) -> Path:
        return self.path.parent / (_home(self.env) / text[2:] if text.startswith("~/") else text)


def _made(section: str, tables: list[tuple[str, dict[str, Any]]]) -> Iterator[Any]:
    """The values of a section's tables, each as its class."""
    return (SECTIONS[section](**attributes(section, values)) for _, values in tables)
