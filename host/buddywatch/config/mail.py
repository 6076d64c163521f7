"""What sends mail and more in the configuration: checks that values fit together, and are safe."""

from typing import Any

from buddywatch.config.problems import Problems
from buddywatch.text.addresses import is_loopback

_WAYS = ("to", "webhook", "syslog", "file")
_ONLY_WITH_SERVER = ("port", "security", "user", "password_file", "password_env", "allow_clear_login", "ca_file")


def check_mail(where: str, values: dict[str, Any], problems: Problems) -> None:
    """Add the problems of [mail] as a whole. A wrong value is None."""
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


def check_receiver(where: str, values: dict[str, Any], has_mail: bool, problems: Problems) -> None:
    """Add the problems of a receiver as a whole. A wrong value is None."""
    given = [way for way in _WAYS if way in values]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        problems.add(f"{where}: expected one of {', '.join(_WAYS)}, found {found}")
    if "to" in values and not has_mail:
        problems.add(f"{where} to: expected a section [mail], which says how mail is sent")
    if "sign_file" in values and "webhook" not in values:
        problems.add(f"{where} sign_file: belongs to webhook, which is not set; leave it out")


def check_heartbeat(where: str, values: dict[str, Any], problems: Problems) -> None:
    if "url" not in values and "file" not in values:
        problems.add(f"{where}: expected url or file, found neither")


def check_report(where: str, has_mail: bool, problems: Problems) -> None:
    if not has_mail:
        problems.add(f"{where}: expected a section [mail], which says how mail is sent")
