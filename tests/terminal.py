"""A simulated terminal for tests of programs that draw: it knows the sequences in use, and fails on any other."""

import re
from dataclasses import dataclass, field

_SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


@dataclass
class Terminal:
    """columns x rows characters; on_alternate, cursor_visible, wheel: its modes; styles: SGR parameters seen."""

    columns: int = 80
    rows: int = 24
    on_alternate: bool = False
    cursor_visible: bool = True
    wheel: bool = False
    styles: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._clear()
        self.row = self.column = 0

    def _clear(self) -> None:
        self._cells = [[" "] * self.columns for _ in range(self.rows)]
        self._looks = [[""] * self.columns for _ in range(self.rows)]
        self._look = ""

    def looks(self) -> list[list[tuple[str, str]]]:
        """Each line as (character, its SGR parameters)."""
        return [list(zip(*row, strict=True)) for row in zip(self._cells, self._looks, strict=True)]

    def lines(self) -> list[str]:
        """The visible text, without blanks at the ends of lines."""
        return ["".join(row).rstrip() for row in self._cells]

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = _SEQUENCE.match(text, at)
                assert match, f"unknown sequence {text[at : at + 12]!r}"
                self._sequence(*match.groups())
                at = match.end()
            else:
                self._character(text[at])
                at += 1

    def _character(self, char: str) -> None:
        if char == "\x18":
            return
        assert char.isprintable(), f"control character {char!r}"
        assert self.column < self.columns, f"line {self.row + 1} is wider than {self.columns}"
        self._cells[self.row][self.column] = char
        self._looks[self.row][self.column] = self._look
        self.column += 1

    def _sequence(self, private: str, numbers: str, final: str) -> None:
        what = private + numbers + final
        if final == "m":
            self.styles.add(numbers)
            self._look = numbers if numbers != "0" else ""
        elif final == "H":
            self.row, self.column = (int(number) - 1 for number in numbers.split(";"))
            assert self.row < self.rows, f"row {self.row + 1} of {self.rows}"
        elif what == "K":
            self._cells[self.row][self.column :] = [" "] * (self.columns - self.column)
            self._looks[self.row][self.column :] = [""] * (self.columns - self.column)
        elif what in ("J", "2J"):
            first = 0 if what == "2J" else self.row
            self._cells[first:] = [[" "] * self.columns for _ in range(self.rows - first)]
            self._looks[first:] = [[""] * self.columns for _ in range(self.rows - first)]
        elif what in ("?1049h", "?1049l"):
            self.on_alternate = final == "h"
            self._clear()
        elif what in ("?1007h", "?1007l"):
            self.wheel = final == "h"
        elif what in ("?25h", "?25l"):
            self.cursor_visible = final == "h"
        else:
            raise AssertionError(f"unknown sequence {what}")
