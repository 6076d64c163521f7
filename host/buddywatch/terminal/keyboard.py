"""What a terminal sends for keys, as names. Pure; the screen reads the bytes."""

from __future__ import annotations

import re

UP, DOWN, LEFT, RIGHT, PAGE_UP, PAGE_DOWN, HOME, END = (
    "up",
    "down",
    "left",
    "right",
    "page-up",
    "page-down",
    "home",
    "end",
)
ENTER, ESCAPE, BACKSPACE = "enter", "escape", "backspace"

# ECMA-48 sequences of xterm, VT220, the Linux console and rxvt; SS3 (ESC O) in application mode.
_NAMES = {
    "A": UP, "B": DOWN, "C": RIGHT, "D": LEFT, "H": HOME, "F": END, "M": ENTER,
    "1~": HOME, "4~": END, "5~": PAGE_UP, "6~": PAGE_DOWN, "7~": HOME, "8~": END, "3~": BACKSPACE,
}  # fmt: skip
_CONTROLS = {
    "\r": ENTER, "\n": ENTER, "\x7f": BACKSPACE, "\x08": BACKSPACE, "\x06": PAGE_DOWN, "\x02": PAGE_UP,
    "\x0e": DOWN, "\x10": UP,
}  # fmt: skip
_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;<?]*)([A-Za-z~])|O([A-Za-z]))")
_OPEN = re.compile(r"\x1b(?:\[[0-9;<?]{0,20}|O)?")  # the beginning of a sequence
TYPED_MAX = 4096  # bytes that are kept while a sequence is not whole


class Keyboard:
    """Feed bytes in any pieces; keys come out."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete: a printable character, or one of the names above. Others are left out."""
        text = (self._rest + data.decode("ascii", "ignore"))[-TYPED_MAX:]
        keys, at = [], 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is None:
                    opened = _OPEN.match(text, at)
                    if opened is not None and opened.end() == len(text):
                        break  # the rest may still come
                    keys.append(ESCAPE)
                    at += 1
                    continue
                name = _NAMES.get(found[3] or (found[1] if found[2] == "~" else "") + found[2])
                keys += [name] if name else []
                at = found.end()
                continue
            char = text[at]
            key = _CONTROLS.get(char) or (char if char.isprintable() else None)
            keys += [key] if key else []
            at += 1
        self._rest = text[at:]
        return keys

    def pause(self) -> list[str]:
        """Nothing more came for a moment: a lone ESC is the key, and the start of a sequence is none."""
        rest, self._rest = self._rest, ""
        return [ESCAPE] if rest == "\x1b" else []

    @property
    def is_waiting(self) -> bool:
        return bool(self._rest)
