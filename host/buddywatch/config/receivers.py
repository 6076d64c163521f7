"""[[receiver]] and [heartbeat] of the configuration: checks that their values fit together."""

from typing import Any

from buddywatch.config.problems import Problems

_WAYS = ("to", "webhook", "syslog", "file")


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
