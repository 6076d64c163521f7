"""A message's text as a page for readers that show HTML: its lines wrap at the width of the screen. Pure.

The text is wrapped at 72 columns (paper.py). A phone has 40, so that each of its lines would be broken once more. Here
paragraphs are joined again; what has columns stays as it is, and is scrolled sideways where it is too wide.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from buddywatch.notify.paper import COLUMNS

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><style>:root{color-scheme:light dark}
body{background:Canvas;color:CanvasText;font:15px/1.45 system-ui,sans-serif;margin:12px;max-width:44em}
p{margin:.3em 0;overflow-wrap:anywhere}
h1{font-size:1.15em;margin:0 0 .5em;overflow-wrap:anywhere}h2{font-size:1em;margin:1.2em 0 .2em}
.item{padding-left:1em}pre{font:12px/1.4 monospace;margin:.4em 0;overflow-x:auto}img{max-width:100%;height:auto}
</style></head><body><main>"""
_COLUMNS_OR_BARS = re.compile(r"\S {2,}\S|[\u2581-\u2588]{2}")
_TITLE, _TEXT, _ITEM, _TABLE = range(4)


def page_of(body: str, pictures: str) -> str:
    """body: of the message. pictures: HTML; they stand behind the first lines."""
    first, *sections = re.split(r"\n{2,}", body.strip("\n"))
    headline, *facts = _joined(first.split("\n"))
    top = [f"<h1>{html.escape(headline)}</h1>"]
    top += [f"<p>{html.escape(re.sub(' {2,}', ' ', fact))}</p>" for fact in facts]
    return "\n".join([_HEAD, *top, pictures, *map(_section, sections), "</main></body></html>"])


def _section(text: str) -> str:
    lines = [(_kind(line), line) for line in _joined(text.split("\n"))]
    return "\n".join(_elements(lines))


def _elements(lines: Sequence[tuple[int, str]]) -> Iterator[str]:
    for kind, group in groupby(lines, key=lambda entry: entry[0]):
        texts = [html.escape(line) for _, line in group]
        if kind == _TABLE:
            yield "<pre>{}</pre>".format("\n".join(texts))
        elif kind == _TITLE:
            yield from (f"<h2>{text}</h2>" for text in texts)
        else:
            style = ' class="item"' if kind == _ITEM else ""
            yield from (f"<p{style}>{text.strip()}</p>" for text in texts)


def _kind(line: str) -> int:
    if _COLUMNS_OR_BARS.search(line.strip()):
        return _TABLE
    if line.startswith("  - "):
        return _ITEM
    is_title = not line.startswith(" ") and len(line) < COLUMNS and not re.search(r"[.:`]", line)
    return _TITLE if is_title else _TEXT


def _joined(lines: Iterable[str]) -> list[str]:
    """A line whose next word did not fit goes on with the next line."""
    found: list[str] = []
    width = 0  # of the newest line as it was
    for line in lines:
        words = line.split(maxsplit=1)
        is_more = found and words and width + 1 + len(words[0]) > COLUMNS and not line.startswith("  - ")
        if is_more and not _COLUMNS_OR_BARS.search(line.strip()) and not _COLUMNS_OR_BARS.search(found[-1].strip()):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
        width = len(line)
    return found
