"""`make pictures`: the pictures of the documentation, from real runs on a terminal. A test says which are stale.

The boards are those of livefleet.py. What differs from run to run, the clock, is not compared.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / name) for name in ("tests", "agent", "host", "scripts")]

from buddywatch.model.health import RUNNING, PartHealth  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402
from livefleet import FAILING, FALLING, LEVEL, SILENT, tell  # noqa: E402
from runner import ENV  # noqa: E402
from terminal import Terminal  # noqa: E402

FOLDER = TOP / "docs" / "pictures"
COLUMNS = 90
CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'
CONFIG += '[mail]\nto = ["you@localhost"]\nfrom = "buddywatch@localhost"\ncommand = ["cat"]\n'
BOARDS = (("shop-07", FAILING), ("shop-11", FALLING), ("shop-31", SILENT), ("shop-05", LEVEL), ("shop-02", LEVEL))
# name -> (arguments of `buddywatch`, rows, the text that shows that the picture is whole, what it shows)
PICTURES = {
    "fleet": (("watch",), 11, "shop-02", "The live view of five boards, worst first"),
    "board": (("watch", "shop-07"), 36, "free blocks by size", "The live view of one board in depth"),
}
_CHAR, _LINE, _EDGE = 8.4, 18, 12  # of a monospace font of 14 px
_INK, _PAPER = "#e6edf3", "#0d1117"
# Each has at least 4.5 : 1 on the paper (WCAG 2.2, 1.4.3).
_COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#56d4dd", "2": "#9da7b1"}
_CHANGING = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d(?::\d\d)?|\b\d+ ?(?:s|min|m|h\d*|d)\b|\b\d+ to (?=TIME|\d)")
_CHART = re.compile("[█▇▆▅▄▃▂▁░▒▓·_](?:[█▇▆▅▄▃▂▁░▒▓·_ ]*[█▇▆▅▄▃▂▁░▒▓·_])?")
_WORDS = re.compile(r"\S+(?: \S+)*")
_DEADLINE_S, _QUIET_S = 60.0, 0.3


def screen(name: str, folder: Path) -> Terminal:
    """What the command shows on a terminal."""
    arguments, rows, wanted, _ = PICTURES[name]
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    where = ["--db", str(folder / "x.db"), "--config", str(folder / "x.toml")]
    argv = ["setsid", "--ctty", sys.executable, "-m", "buddywatch", *where, *arguments]
    env = {**ENV, "TERM": "xterm", "LANG": "C.UTF-8", "PYTHONUTF8": "1", "TZ": "UTC"}
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    terminal, text, end_s = Terminal(COLUMNS, rows), "", time.monotonic() + _DEADLINE_S
    try:
        while time.monotonic() < end_s:
            is_whole = wanted in "\n".join(terminal.lines())
            if not select.select([master], [], [], _QUIET_S if is_whole else _DEADLINE_S)[0]:
                break
            text += os.read(master, 65536).decode("utf-8", "replace")
            terminal = Terminal(COLUMNS, rows)
            terminal.feed(_drawn(text))
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert wanted in "\n".join(terminal.lines()), f"{name}: {text[-500:]!r}"
    return terminal


def _drawn(text: str) -> str:
    """What a terminal is to do, in whole sequences, from where the view takes it over."""
    return re.sub(r"\x1b(?:\[[?0-9;]*)?\Z", "", text[text.find("\x1b[?1049h") :]) if "\x1b[?1049h" in text else ""


def svg(terminal: Terminal, title: str) -> str:
    """The screen as a picture, with its text as its description."""
    rows = terminal.looks()
    while rows and not "".join(char for char, _ in rows[-1]).strip():
        rows.pop()
    width, height = round(COLUMNS * _CHAR + 2 * _EDGE), len(rows) * _LINE + 2 * _EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="t d"><title id="t">{escape(title)}</title>',
        f'<desc id="d">{escape(chr(10).join(terminal.lines()).strip())}</desc>',
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>',
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,DejaVu Sans Mono,monospace" font-size="14" fill="{_INK}">',
    ]
    for number, row in enumerate(rows):
        lines += _pieces(row, _EDGE + 14 + number * _LINE)
    return "\n".join([*lines, "</g></svg>\n"])


def _pieces(row: list[tuple[str, str]], y: int) -> Iterator[str]:
    column = 0
    for look, cells in groupby(row, key=lambda cell: cell[1]):
        text = "".join(char for char, _ in cells)
        left, wide = _EDGE + column * _CHAR, len(text) * _CHAR
        column += len(text)
        parts = look.split(";")
        colour = next((_COLOURS[part] for part in parts if part in _COLOURS), _INK)
        if "7" in parts:
            yield f'<rect x="{left:.1f}" y="{y - 14}" width="{wide:.1f}" height="{_LINE}" fill="{_INK}"/>'
            colour = _PAPER
        bold = ' font-weight="bold"' if "1" in parts else ""
        for words in _WORDS.finditer(text):  # as white space is collapsed
            place = f'x="{left + words.start() * _CHAR:.1f}" y="{y}" textLength="{len(words[0]) * _CHAR:.1f}"'
            yield f'<text {place} lengthAdjust="spacingAndGlyphs" fill="{colour}"{bold}>{escape(words[0])}</text>'


def made(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, SVG) of every picture, from a database in this folder."""
    now = time.time()
    (folder / "x.toml").write_text(CONFIG)
    with Store.open(folder / "x.db") as store, store.batch():
        for number, (name, kind) in enumerate(BOARDS):
            tell(store, name, kind, now, number=number)
        store.save_part(PartHealth("writer", RUNNING, now))  # as if a collector ran: this process is its owner
    for name, (_, _, _, title) in PICTURES.items():
        yield name, svg(screen(name, folder), title)


def comparable(text: str) -> str:
    """Without what differs from run to run: times, how long ago they were, and where the steps of a chart begin."""
    found = re.search(r"<desc.*?</desc>", text, re.DOTALL)
    assert found
    return re.sub(r" +", " ", _CHART.sub("CHART", _CHANGING.sub("TIME", found[0])))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made(Path(folder)):
            path = FOLDER / f"{name}.svg"
            path.write_text(text)
            print(f"{path.relative_to(TOP)}: {len(text)} bytes")


if __name__ == "__main__":
    main()
