"""From a TOML file to checked sections; errors name the file, the key, the value and what is allowed."""

from pathlib import Path
from typing import Any

from buddywatch.config.kinds import ALERT_TABLE
from buddywatch.config.problems import ConfigError, Problems, UnreadableConfig, shown
from buddywatch.config.schema import (
    REPEATED_SECTIONS,
    SECTIONS,
    Key,
    keys_of,
    keys_of_board_alert,
    section_title,
)
from buddywatch.config.whole_file import read_whole

MAX_BYTES = 1 << 20
WAIT_S = 5.0  # for the content of a pipe, as in `--config <(command)`

# Keys that users may try but that are not allowed, with what to do instead.
_FORBIDDEN = {
    ("mail", "password"): "a password does not belong here; put it into a file (chmod 600) and name that with "
    "password_file, or name an environment variable with password_env",
    ("board", "silent_after"): "it is in a section [board.alert] behind [[board]]",
    ("board", "secret"): "a secret does not belong here; put it into a file (chmod 600) and name that with secret_file",
}


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The whole file as TOML has it, and as text. Raises ConfigError."""
    import tomllib  # most commands run without a configuration

    try:
        text = read_whole(path, MAX_BYTES, WAIT_S).decode("utf-8-sig")
        return tomllib.loads(text), text
    except OSError as error:
        instead = "create it" if isinstance(error, FileNotFoundError) else "name a TOML file"
        line = f"{path}: cannot be read ({error.strerror}); {instead} or leave out --config"
        raise UnreadableConfig([line]) from None
    except UnicodeDecodeError as error:
        line = f"{path}: not UTF-8 text (byte {error.start}); expected TOML"
    except (ValueError, RecursionError) as error:
        line = f"{path}: not TOML: {' '.join(str(error).split())}"
    raise ConfigError([line])


def read_sections(data: dict[str, Any], problems: Problems) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """All sections of a file as {section: [(where, {key: value})]}, where naming the place for messages.

    A value that was wrong is None, and is reported in problems.
    """
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {section: [] for section in SECTIONS}
    for section, content in data.items():
        if section not in found:
            problems.add(f"{shown(section)}: unknown section; expected {', '.join(map(section_title, found))}")
            continue
        tables = content if isinstance(content, list) and content and section in REPEATED_SECTIONS else [content]
        wrong_brackets = section in REPEATED_SECTIONS and tables is not content
        if wrong_brackets or not all(isinstance(table, dict) for table in tables):
            problems.add(f"{section}: expected a section that starts with the line {section_title(section)}")
            continue
        for number, table in enumerate(tables, 1):
            where = f"{section_title(section)} #{number}" if section in REPEATED_SECTIONS else section_title(section)
            found[section].append((where, _read_table(table, section, where, keys_of(section), problems)))
    return found


def alert_title(where: str) -> str:
    """ "[[board]] #2" has "[board.alert] #2"."""
    return where.replace("[[", "[").replace("]]", ".alert]")


def _read_table(
    table: dict[str, Any], section: str, where: str, of_section: tuple[Key, ...], problems: Problems
) -> dict[str, Any]:
    keys = {key.name: key for key in of_section}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if (section, name) in _FORBIDDEN:
            problems.add(f"{where} {name}: {_FORBIDDEN[section, name]}")
        elif name not in keys:
            import difflib  # for an error only

            near = difflib.get_close_matches(name, keys, 1)
            hint = f'did you mean "{near[0]}"?' if near else f"expected one of {', '.join(keys)}"
            problems.add(f"{where} {shown(name)}: unknown key; {hint}")
        elif keys[name].kind is ALERT_TABLE and isinstance(value, dict):
            inner = alert_title(where)
            values[name] = _read_table(value, "alert", inner, keys_of_board_alert(), problems)
        else:
            try:
                values[name] = keys[name].kind.read(value)
            except (ValueError, TypeError, AttributeError):
                values[name] = None
                problems.wrong(where, name, value, f"expected {keys[name].kind.expected}")
    for key in keys.values():
        if key.required and key.name not in table:
            problems.add(f"{where} {key.name}: missing; expected {key.kind.expected}")
    return values
