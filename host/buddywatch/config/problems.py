"""The problems of a configuration, as lines for the user."""

import json
from typing import Any


class ConfigError(Exception):
    """lines: one per problem, each with the file, the key, what was found and what is allowed."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UnreadableConfig(ConfigError):
    """The file itself cannot be read, so nothing is known about what it says."""


class Problems:
    """Collects the problems of one file, a line each. text: the file's, for the numbers of lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self.lines: list[str] = []

    def add(self, text: str) -> None:
        """text begins with the section and the key that it is about, where there is one: "[[need]] #2 bytes: ..."."""
        number = self._line_of(text)
        self.lines.append(f"{self.file}, line {number}: {text}" if number else f"{self.file}: {text}")

    def _line_of(self, text: str) -> int | None:
        """The line of the key, or else of the section, that a problem is about."""
        from buddywatch.config.toml_lines import lines_of  # for an error only

        places, text = lines_of(self.text), text.replace('"', "")
        named = [place for place in places if text.startswith(place) and text[len(place) : len(place) + 1] in " :"]
        return places[max(named, key=len)] if named else None

    def wrong(self, where: str, key: str, value: Any, expected: str) -> None:
        """Add a wrong value; values of password keys are not shown, since they may be the password itself."""
        self.add(f"{where} {key} = {'...' if 'password' in key else shown(value)}: {expected}")


def shown(value: Any) -> str:
    """A TOML value on one line of ASCII, cut when long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
