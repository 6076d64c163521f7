"""The project's pages as tests read them: sections, tables, fenced blocks, and the commands that are typed in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
INDEX = DOCS / "README.md"
PROTOCOL = TOP / "agent" / "PROTOCOL.md"
CHANGELOG = TOP / "CHANGELOG.md"
MAPS = [TOP / "README.md", TOP / "agent" / "README.md", TOP / "host" / "README.md"]
# The pages with commands for the reader: all but the history and the protocol, which has its own tests.
GUIDES = [*MAPS, *sorted(DOCS.rglob("*.md"))]
PAGES = [*GUIDES, CHANGELOG, PROTOCOL]

ABOUT_NEED_OR_KERNEL = re.compile(r"^  rm |: rm: |COLDFIRE")  # lines of `buddywatch status`, of one board

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PROMPTS = ("$ ", "# ", "board# ")  # in blocks of kind "console"
_INDENTED = re.compile(r" {4,}((?:make|git|(?:\.venv/bin/)?buddywatch|python3|micropython) .*)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True)
class Block:
    """A fenced block. kind: the word behind the fence, "" if there is none."""

    kind: str
    text: str


@dataclass(frozen=True)
class Typed:
    """A command line, and what is shown below it until the next one."""

    line: str
    output: str


def name_of(page: Path) -> str:
    return str(page.relative_to(TOP))


def blocks(page: Path, kind: str | None = None) -> list[Block]:
    found = [Block(match[2], dedent(match[3])) for match in _FENCE.finditer(page.read_text())]
    return [block for block in found if kind in (None, block.kind)]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def section(page: Path, title: str) -> str:
    """The text under a heading, up to the next one of any level."""
    _, found, rest = page.read_text().partition(f"# {title}\n")
    assert found, f"{name_of(page)} has no heading {title!r}"
    return re.split(r"^#+ .*$", _without_fences(rest), maxsplit=1, flags=re.MULTILINE)[0]


def _without_fences(text: str) -> str:
    """text with the lines of fenced blocks changed so that none looks like a heading."""
    return _FENCE.sub(lambda match: match[0].replace("\n#", "\n #"), text)


def rows(text: str) -> list[list[str]]:
    """The rows of all tables in text, without their heads; an escaped bar in a cell is a bar."""
    found, is_body = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            is_body = False
        elif set(line) <= set("|-: "):
            is_body = True
        elif is_body:
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            found.append([cell.strip().replace("\\|", "|") for cell in cells])
    return found


def code(cell: str) -> list[str]:
    """The texts in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def flat(text: str) -> str:
    """text on one line."""
    return " ".join(text.split())


def typed(page: Path) -> list[Typed]:
    """The commands of a page: behind a prompt in a fenced block, a line of an indented one, or `make` in a script."""
    found: list[Typed] = []
    for block in blocks(page, "sh"):
        lines = block.text.replace("\\\n", " ").splitlines()
        found += [Typed(line.partition(" #")[0].strip(), "") for line in lines if line.startswith("make ")]
    for block in blocks(page, "console"):
        found += _typed_in(block.text)
    indented = (_INDENTED.fullmatch(line) for line in prose(page).splitlines())
    return found + [Typed(match[1], "") for match in indented if match]


def _typed_in(text: str) -> Iterator[Typed]:
    line, output = None, ""
    for shown in text.splitlines(keepends=True):
        prompt = next((prompt for prompt in _PROMPTS if shown.startswith(prompt)), None)
        if prompt is None:
            output += shown
            continue
        if line is not None:
            yield Typed(line, output)
        line, output = shown.removeprefix(prompt).strip(), ""
    if line is not None:
        yield Typed(line, output)


def simple_commands(line: str) -> list[list[str]]:
    """The words of each simple command of a shell line, without assignments and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if set(word) <= set("|&;"):
            commands.append([])
        elif set(word) <= set("<>&"):
            next(words)
        elif commands[-1] or not _ASSIGNMENT.fullmatch(word):
            commands[-1].append(word)
    return [command for command in commands if command]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def agent_lines(page: Path) -> list[str]:
    """The lines of boot scripts that start buddyd, each as far as the shell's redirections."""
    lines = [line for block in blocks(page, "sh") for line in block.text.splitlines() if "-m buddyd" in line]
    return [re.sub(r"^::once:", "", line).partition(" <")[0] for line in lines]


def status_line(line: str) -> str:
    """A line of `buddywatch status` without the values that differ between boards and runs."""
    line = re.sub(r"^\S+: link", "BOARD: link", line)
    line = re.sub(r"(?<=boot )[0-9a-f]{8}", "ID", line)
    line = re.sub(r"(?<=  link )\S+(?=: )", "URL", line)
    line = re.sub(r"\d+ (?:s|min|h|d)(?: \d+ \w+)?", "TIME", line)
    line = re.sub(r"(kernel_failure for .*: kernel: ).*", r"\1TEXT", line)
    return re.sub(r"\b\d+\b", "N", re.sub(r" \([^()]*\)(?=; no damage)", "", line))
