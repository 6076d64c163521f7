"""The keys of a configuration file, section by section, as the fields in sections.py say them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Any, get_args, get_type_hints

from buddywatch.config.bridges import Bridge, FleetEngine, Pair
from buddywatch.config.kinds import ALERT_TABLE, Kind
from buddywatch.config.own_rules import OwnRule
from buddywatch.config.sections import (
    NOT_A_CONSTANT,
    Alert,
    Board,
    BoardAlert,
    Collector,
    Group,
    Heartbeat,
    Hook,
    Mail,
    Metrics,
    Need,
    Receiver,
    Report,
    Storage,
    Window,
)

SECTIONS: dict[str, Any] = {
    "collector": Collector,
    "storage": Storage,
    "board": Board,
    "group": Group,
    "need": Need,
    "alert": Alert,
    "rule": OwnRule,
    "mail": Mail,
    "hook": Hook,
    "receiver": Receiver,
    "heartbeat": Heartbeat,
    "report": Report,
    "metrics": Metrics,
    "window": Window,
    "bridge": Bridge,
    "fleet": FleetEngine,
    "pair": Pair,
}
REPEATED_SECTIONS = ("board", "group", "need", "rule", "hook", "receiver", "window", "bridge")


@dataclass(frozen=True)
class Key:
    """attribute: the field that it becomes. default: as TOML text, "" where there is none."""

    section: str
    name: str
    attribute: str
    kind: Kind
    default: str
    meaning: str
    required: bool


def section_title(section: str) -> str:
    return f"[[{section}]]" if section in REPEATED_SECTIONS else f"[{section}]"


@cache
def keys_of(section: str) -> tuple[Key, ...]:
    hints = get_type_hints(SECTIONS[section], include_extras=True)
    return tuple(_key(section, one, hints[one.name]) for one in fields(SECTIONS[section]))


@cache
def keys_of_board_alert() -> tuple[Key, ...]:
    """The keys of [alert] that may differ from board to board."""
    of_board = {one.name for one in fields(BoardAlert)}
    return tuple(key for key in keys_of("alert") if key.attribute in of_board)


def _key(section: str, one: Field[Any], hint: Any) -> Key:
    (kind,) = (found for found in _metadata(hint) if isinstance(found, Kind))
    meaning, *names = (found for found in hint.__metadata__ if isinstance(found, str))
    default = "" if one.default in (MISSING, None, ()) else kind.write(one.default)
    required = one.default is MISSING and NOT_A_CONSTANT not in hint.__metadata__
    return Key(section, (*names, one.name.removesuffix("_s"))[0], one.name, kind, default, meaning, required)


def _metadata(hint: Any) -> Iterator[Any]:
    """That of a hint and of its parts: `Duration | None` has it in the first part."""
    yield from getattr(hint, "__metadata__", ())
    for part in get_args(hint):
        yield from _metadata(part)


def attributes(section: str, values: dict[str, Any]) -> dict[str, Any]:
    """{key: value} of a section as arguments of its class."""
    found = {key.attribute: values[key.name] for key in keys_of(section) if key.name in values}
    for key in keys_of(section):
        if key.kind is ALERT_TABLE and key.attribute in found:
            found[key.attribute] = tuple(attributes("alert", found[key.attribute]).items())
    return found


def reference_markdown() -> str:
    """The table of all keys for the documentation."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in (key for section in SECTIONS for key in keys_of(section)):
        default = "required" if key.required else f"`{key.default}`" if key.default else ""
        lines.append(f"| `{section_title(key.section)} {key.name}` | {key.kind.name} | {default} | {key.meaning} |")
    return "\n".join(lines) + "\n"
