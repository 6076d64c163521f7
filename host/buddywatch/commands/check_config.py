"""`buddywatch check-config`: prints all errors (exit code 1), or the settings in effect as a configuration file."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from buddywatch.config.kinds import ALERT_TABLE
from buddywatch.config.problems import ConfigError, Problems
from buddywatch.config.programs import wrong_programs
from buddywatch.config.schema import keys_of, keys_of_board_alert, section_title
from buddywatch.config.sections import Config
from buddywatch.config.toml import read_toml
from buddywatch.links.factory import Doors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(args: argparse.Namespace, config: Config) -> int:
    """Errors in the file itself are reported by cli.py. Here: the files that it names, and the links."""
    from buddywatch.commands import config_notes  # with the store, which a wrong file does not need

    wrong = [*config.file_problems, *_wrong_parts(config)]
    if wrong:
        raise ConfigError(wrong)
    head = "no configuration file: these are the defaults" if config.path is None else f"{config.path}: valid"
    notes = [head, *config_notes.notes(config)]
    print("\n".join([*(f"# {note}" for note in notes), *_lines(config)]))
    return 0


def _wrong_parts(config: Config) -> Iterable[str]:
    """Links, and programs that carry messages. `collect` starts without such a program: other messages must go out."""
    doors, problems = Doors(config), Problems(str(config.path))
    if config.path is not None:
        _, problems.text = read_toml(config.path)
    for url in config.collector.links:
        try:
            doors.connection(url)  # nothing is opened before its start()
        except ValueError as error:
            problems.add(f"[collector] links: {error}")
    for problem in wrong_programs(config):
        problems.add(problem)
    return problems.lines


def _lines(config: Config) -> Iterable[str]:
    """All settings in effect, including defaults. They contain no secret: Config holds none."""
    mails = [config.mail] if config.mail is not None else []
    sections: dict[str, Iterable[Any]] = {
        "collector": [config.collector],
        "storage": [config.storage],
        "board": config.boards,
        "group": config.groups,
        "need": config.needs,
        "alert": [config.alert],
        "rule": config.rules,
        "mail": mails,
        "hook": config.hooks,
        "receiver": config.receivers,
        "heartbeat": [config.heartbeat] if config.heartbeat is not None else [],
        "report": [config.report] if config.report is not None else [],
        "metrics": [config.metrics] if config.metrics is not None else [],
        "window": config.windows,
        "bridge": config.bridges,
    }
    for section, holders in sections.items():
        for holder in holders:
            yield ""
            yield section_title(section)
            for key in keys_of(section):
                value = getattr(holder, key.attribute)
                # A need given as `program` is shown as the bytes that were computed from it.
                if value in (None, ()) or (section, key.name) == ("need", "program"):
                    continue
                if key.kind is ALERT_TABLE:  # the last of its section
                    yield from _alert_lines(section, value)
                else:
                    yield f"{key.name} = {key.kind.write(value)}"


def _alert_lines(section: str, changes: Iterable[tuple[str, Any]]) -> Iterable[str]:
    keys = {key.attribute: key for key in keys_of_board_alert()}
    yield ""
    yield f"[{section}.alert]"
    for attribute, value in changes:
        yield f"{keys[attribute].name} = {keys[attribute].kind.write(value)}"
