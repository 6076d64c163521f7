"""`buddywatch check-config`: exit code 1 with all that is wrong, else what is in effect, as a configuration file."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from buddywatch.config.board_secrets import BoardSecrets, SecretError
from buddywatch.config.load import Config, ConfigError
from buddywatch.config.schema import keys_of, section_title
from buddywatch.links.factory import Doors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(args: argparse.Namespace, config: Config) -> int:
    """cli.py tells what was wrong when the file was read. Here: the files that it names, and the links."""
    wrong = [*config.file_problems, *_wrong_links(config)]
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
        yield "nobody gets the alerts: there is neither [mail] nor [[hook]]"
    if config.mail is not None:
        try:
            config.mail.password()
        except ConfigError as error:
            yield f"mail cannot log in as started here: {error.lines[0]}"
    secrets = BoardSecrets.of(config)
    for board in config.boards:
        try:
            secrets.key(board.name)
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
                    yield f"{key.name} = {key.kind.write(value)}"
