"""`buddywatch check-config`: exit code 1 with all that is wrong, else what is in effect, as a configuration file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from buddywatch.config.load import Config, ConfigError
from buddywatch.config.schema import DURATION, DURATION_OR_0, Key, keys_of, section_title
from buddywatch.config.secrets import SecretError, Trust
from buddywatch.links.factory import Doors
from buddywatch.text.units import format_duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(args: argparse.Namespace, config: Config) -> int:
    """What is wrong with the file was found when it was read, and is told by cli.py; the links are seen to here."""
    wrong = list(_wrong_links(config))
    if wrong:
        raise ConfigError(wrong)
    head = "no configuration file: these are the defaults" if config.path is None else f"{config.path}: valid"
    notes = [head, *_notes(config)]
    print("\n".join([*(f"# {note}" for note in notes), *_lines(config)]))
    return 0


def _wrong_links(config: Config) -> Iterable[str]:
    doors = Doors(config)
    for url in config.collector.links:
        try:
            doors.connection(url)  # nothing is opened before its start()
        except ValueError as error:
            yield f"{config.path}: [collector] links: {error}"


def _notes(config: Config) -> Iterable[str]:
    """What is allowed, and may not be what was meant."""
    if config.mail is None and not config.hooks:
        yield "nobody is told of an alert: there is neither [mail] nor [[hook]]"
    if config.mail is not None:
        try:
            config.mail.password()
        except ConfigError as error:
            yield f"mail cannot log in as started here: {error.lines[0]}"
    trust = Trust.of(config)
    for board in config.boards:
        try:
            trust.key(board.name)
        except SecretError as error:
            yield f"{board.name} cannot be asked for its secret as started here: {error}"


def _lines(config: Config) -> Iterable[str]:
    """Everything in effect, defaults included. It holds no secrets: Config has none."""
    mails = [config.mail] if config.mail is not None else []
    sections: dict[str, Iterable[Any]] = {
        "collector": [config.collector],
        "board": config.boards,
        "need": config.needs,
        "alert": [config.alert],
        "mail": mails,
        "hook": config.hooks,
    }
    for section, holders in sections.items():
        for holder in holders:
            yield ""
            yield section_title(section)
            for key in keys_of(section):
                value = getattr(holder, key.attribute)
                # A need of a program is in effect a need of bytes.
                if value is not None and value != () and (section, key.name) != ("need", "program"):
                    yield f"{key.name} = {_toml(key, value)}"


def _toml(key: Key, value: Any) -> str:
    if key.kind in (DURATION, DURATION_OR_0):
        return json.dumps(format_duration(value))
    if isinstance(value, Path):
        return json.dumps(str(value.absolute()))
    return json.dumps(value)
