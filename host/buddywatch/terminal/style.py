"""Lines for a terminal, made of styled pieces. Pure: the results are strings, with ANSI sequences or without."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.text.escape import escaped

PLAIN, BOLD, DIM, RED, GREEN, YELLOW = "", "1", "2", "1;31", "32", "33"

Piece = tuple[str, str]  # text, parameters of the sequence SGR ("" for plain)
Line = list[Piece]


@dataclass(frozen=True)
class Style:
    """What the terminal can show. Colour and glyphs only repeat what the text says, so either may be missing."""

    colour: bool = True
    unicode: bool = True

    def glyph(self, unicode_text: str, ascii_text: str) -> str:
        return unicode_text if self.unicode else ascii_text


def board_text(text: str, sgr: str = PLAIN) -> Piece:
    """Text from a board, or a board's name, with everything but printable ASCII escaped."""
    return escaped(text), sgr


def width_of(line: Line) -> int:
    return sum(len(text) for text, _ in line)


def shade(count: int) -> str:
    """Background for a number of free blocks: brighter for more."""
    if count <= 0:
        return DIM
    greens = (22, 28, 34, 40, 46)  # of the 256-colour cube (xterm)
    step = min(count.bit_length() - 1, len(greens) - 1)
    return f"48;5;{greens[step]};38;5;{255 if step < 2 else 16}"


def painted(line: Line, width: int, style: Style) -> str:
    """The line as a string for the terminal, at most `width` columns wide; every character is one column wide."""
    ellipsis = style.glyph("…", ">")
    room, cut = width, width_of(line) > width
    out = []
    for text, sgr in line:
        if cut and len(text) >= room:
            text = text[: max(room - 1, 0)] + ellipsis[:room]
        out.append(f"\x1b[{sgr}m{text}\x1b[0m" if style.colour and sgr and text else text)
        room -= len(text)
        if room <= 0:
            break
    return "".join(out)
