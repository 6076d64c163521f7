"""The files that `buddywatch init` writes: the configuration as TOML, and a password that only its owner reads."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.init_answers import MailAnswer, NeedAnswer
from buddywatch.config.load import load


def config_text(
    link: str, name: str, needs: Iterable[NeedAnswer], mail: MailAnswer | None, password_file: Path | None, db: str
) -> str:
    """The configuration. db: "" for the default one."""
    lines = ["# Made by `buddywatch init`; docs/reference/configuration.md has all keys.", "[collector]"]
    lines += [f"db = {json.dumps(db)}"] if db else []
    lines += [f"links = [{json.dumps(link)}]"]
    if name:
        lines += ["", "[[board]]", f"name = {json.dumps(name)}"]
    for need in needs:
        lines += ["", "[[need]]", *_need_lines(need)]
    if mail is not None:
        lines += ["", "[mail]", *_mail_lines(mail, password_file)]
    return "\n".join([*lines, ""])


def _need_lines(need: NeedAnswer) -> Iterator[str]:
    yield f"name = {json.dumps(need.name)}"
    if need.program is not None:
        yield f"program = {json.dumps(str(need.program))}"
        return
    yield f"bytes = {need.bytes}"
    if need.is_program:
        yield "exec = true                     # a program: starting it takes some single pages first"


def _mail_lines(mail: MailAnswer, password_file: Path | None) -> Iterator[str]:
    yield f"to = {json.dumps(mail.to)}"
    yield f"from = {json.dumps(mail.sender)}"
    server = mail.server
    if server.command:
        yield f"command = {json.dumps(server.command)}"
        return
    yield f"server = {json.dumps(server.host)}"
    if server.port is not None:
        yield f"port = {server.port}"
    yield f"security = {json.dumps(server.security)}"
    if server.user and password_file is not None:
        yield f"user = {json.dumps(server.user)}"
        yield f"password_file = {json.dumps(str(password_file))}"


def check_free(paths: Iterable[Path]) -> None:
    """CommandError: one of the files is there already."""
    for path in paths:
        if os.path.lexists(path):
            raise CommandError(f"{path}: is there already, and stays as it is; --force overwrites it")


def write_secret(path: Path, secret: str) -> None:
    """A file that nobody but its owner has ever been able to read."""
    _put(path, secret + "\n", 0o600)


def write_config(path: Path, text: str) -> None:
    """The configuration, after it was read as `collect` would read it. ConfigError; then nothing is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".init-", dir=path.parent) as folder:
        trial = Path(folder) / path.name
        trial.write_text(text, encoding="utf-8")
        load(trial, os.environ)
    _put(path, text, 0o644)


def _put(path: Path, text: str, mode: int) -> None:
    """All of it or nothing, in the place of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".init-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
