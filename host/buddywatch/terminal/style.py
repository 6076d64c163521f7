"""Lines for a terminal, made of styled pieces. Pure: the results are strings, with ANSI sequences or without."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.text.escape import escaped

PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN, REVERSE = "", "1", "2", "1;31", "32", "33", "36", "7"

# Of the 256 colours (xterm's cube) those that can be read on black and on white; the 16 are the user's own choice.
_OF_256 = {DIM: "38;5;244", RED: "1;38;5;160", GREEN: "38;5;34", YELLOW: "38;5;136", CYAN: "38;5;31"}

Piece = tuple[str, str]  # text, parameters of the sequence SGR ("" for plain)
Line = list[Piece]


@dataclass(frozen=True)
class Style:
    """What the terminal can show. Colour and glyphs only repeat what the text says, so either may be missing."""

    colour: bool = True
    unicode: bool = True
    colours: int = 16

    def glyph(self, unicode_text: str, ascii_text: str) -> str:
        return unicode_text if self.unicode else ascii_text

    def sgr(self, colour: str) -> str:
        """The parameters for one of the colours above."""
        return _OF_256.get(colour, colour) if self.colours >= 256 else colour


def board_text(text: str, sgr: str = PLAIN) -> Piece:
    """Text from a board, or a board's name, with everything but printable ASCII escaped."""
    return escaped(text), sgr


def width_of(line: Line) -> int:
    return sum(len(text) for text, _ in line)


def cut(text: str, width: int, style: Style) -> str:
    """text in at most so many columns, with a mark where some of it is missing."""
    if len(text) <= width:
        return text
    return (text[: max(width - 1, 0)] + style.glyph("…", ">"))[:width]


def spread(left: Line, right: Line, width: int) -> Line:
    """Both ends of a line; right is left out where there is no room for it."""
    room = width - width_of(left) - width_of(right)
    return [*left, (" " * room, PLAIN), *right] if room >= 0 else left


def marked(line: Line, width: int) -> Line:
    """The line under the cursor: in reverse video over the whole width, in one colour."""
    text = "".join(text for text, _ in line)
    return [(text + " " * (width - len(text)), REVERSE)]


def shortened(line: Line, width: int, style: Style) -> Line:
    """The line in at most so many columns, with a mark where some of it is missing."""
    if width_of(line) <= width:
        return line
    pieces: Line = []
    room = width
    for text, colour in line:
        if room <= 0:
            break
        whole = len(text) < room
        pieces.append((text if whole else text[: room - 1] + style.glyph("…", ">"), colour))
        room -= len(text) if whole else room
    return pieces


def painted(line: Line, width: int, style: Style) -> str:
    """The line as a string for the terminal, at most `width` columns wide; every character is one column wide."""
    return "".join(
        f"\x1b[{style.sgr(colour)}m{text}\x1b[0m" if style.colour and colour and text else text
        for text, colour in shortened(line, width, style)
    )
