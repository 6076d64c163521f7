"""The needs of `--need NAME|BYTES`."""

from __future__ import annotations

from buddywatch.commands import CommandError
from buddywatch.config.sections import Need
from buddywatch.text.escape import escaped
from buddywatch.text.units import parse_size


def asked_needs(configured: tuple[Need, ...], asked: list[str] | None) -> list[Need]:
    """Those asked for, else all of the board."""
    if asked is None:
        return list(configured)
    by_name = {need.name: need for need in configured}
    return [by_name.get(text) or _need_of_bytes(text, list(by_name)) for text in asked]


def _need_of_bytes(text: str, names: list[str]) -> Need:
    try:
        return Need(text, parse_size(text))
    except ValueError:
        known = ", ".join(map(escaped, names)) or "none"
        raise CommandError(
            f"--need {escaped(text)!r}: expected bytes such as 61440, or a need of the board: {known}"
        ) from None
