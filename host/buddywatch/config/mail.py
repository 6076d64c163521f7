"""[mail] of the configuration: its values, and what makes them safe to use together."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buddywatch.config.files import check_file
from buddywatch.config.secret_files import SecretFileError, first_line
from buddywatch.config.toml import ConfigError, Problems
from buddywatch.text.addresses import is_loopback

PORTS = {"none": 25, "starttls": 587, "tls": 465}  # RFC 5321, RFC 6409, RFC 8314
_ONLY_WITH_SERVER = ("port", "security", "user", "password_file", "password_env", "allow_clear_login", "ca_file")


@dataclass(frozen=True)
class Mail:
    """Where mail goes: by SMTP to server, or to the standard input of command; exactly one of the two is set."""

    to: tuple[str, ...]
    sender: str
    server: str | None = None
    port: int | None = None  # None: PORTS[security]
    security: str = "starttls"
    user: str | None = None
    password_file: Path | None = None
    password_env: str | None = None
    allow_clear_login: bool = False
    ca_file: Path | None = None
    timeout_s: int = 30
    command: tuple[str, ...] = ()

    def smtp_port(self) -> int:
        return self.port or PORTS[self.security]

    def password(self) -> str | None:
        """The password, read now and kept nowhere; None without a login. Raises ConfigError."""
        if self.password_env is not None:
            if not os.environ.get(self.password_env):
                raise ConfigError(
                    [f"environment variable {self.password_env} is not set; it must hold the mail password"]
                )
            return os.environ[self.password_env]
        if self.password_file is None:
            return None
        try:
            return first_line(self.password_file, "the mail password")
        except SecretFileError as error:
            raise ConfigError([str(error)]) from None


def check_mail(where: str, values: dict[str, Any], problems: Problems) -> None:
    """Add what is wrong with [mail] as a whole. Paths in values are resolved, a value is None where it was wrong."""
    by_server, by_command = "server" in values, "command" in values
    if by_server == by_command:
        found = "both server and command" if by_server else "neither server nor command"
        problems.add(f"{where} has {found}; expected one of the two")
    elif by_command:
        for name in _ONLY_WITH_SERVER:
            if name in values:
                problems.add(f"{where} {name}: belongs to server, which is not set; leave it out")
    else:
        _check_login(where, values, problems)
    for name in ("password_file", "ca_file"):
        if values.get(name):
            check_file(where, name, values[name], problems)


def _check_login(where: str, values: dict[str, Any], problems: Problems) -> None:
    secrets = [name for name in ("password_file", "password_env") if name in values]
    if "user" in values and len(secrets) != 1:
        problems.add(f"{where} user: expected one of password_file and password_env with it, found {len(secrets)}")
    elif secrets and "user" not in values:
        problems.add(f"{where} {secrets[0]}: expected user with it, the name to log in under")
    clear_text = "user" in values and values.get("security") == "none" and not values.get("allow_clear_login")
    if clear_text and values["server"] and not is_loopback(values["server"]):
        problems.add(
            f'{where} security = "none": user and password would go to {values["server"]} in clear text; '
            'use "starttls" or "tls", or set allow_clear_login = true'
        )
