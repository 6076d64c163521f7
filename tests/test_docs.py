"""All pages: links resolve, each page is reachable, and every command on them is one that exists."""

import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

import docs_pages
import pytest
from buddyd import options
from buddywatch.cli import COMMANDS, build_parser
from buddywatch.config.sections import Collector, Config
from buddywatch.links.factory import Doors
from docs_pages import CHANGELOG, DOCS, GUIDES, INDEX, MAPS, PAGES, TOP, Typed, name_of, simple_commands

MAKEFILE = (TOP / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[0].split())
# Those of `make help`, and those that a recipe takes as $(if $(NAME),...) or $(or $(NAME),...).
VARIABLES = set(re.findall(r"([A-Z_0-9]+)=", re.findall(r"'Variables: .*", MAKEFILE)[0]))
VARIABLES |= set(re.findall(r"\$\((?:if|or) \$\(([A-Z_0-9]+)\)", MAKEFILE))
PYTHONS = ("python", "python3", "micropython", "build/buddyd-micropython", "/mnt/flash/buddyd-micropython")
BUDDYWATCH = ("buddywatch", ".venv/bin/buddywatch")
FOREIGN = (
    "apt",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "git",
    "journalctl",
    "ln",
    "mkdir",
    "pipx",
    "source",
    "sqlite3",
    "systemctl",
)
FOREIGN += ("mv", "rm", "systemd-sysusers", "telnet", "usermod")
FOREIGN += ("base64", "cat", "echo", "head")
WORDING = DOCS / "wording.md"
NIGHT_CALL = DOCS / "how-to" / "night-call.md"
RIDDLES = r"\b(?:told|lets? go|whoever|of which|is had)\b"
README_LINES_MAX = 70  # one screen, more or less
MAP_LINES_MAX = 60
FOREIGN_OPTIONS = {"--now", "--json", "--web"}  # of systemctl; of a hook in an example; of Prometheus
COMMANDS_TYPED = [pytest.param(page, typed, id=typed.line) for page in GUIDES for typed in docs_pages.typed(page)]
LINES = [pytest.param(page, line, id=line[:60]) for page in GUIDES for line in docs_pages.agent_lines(page)]


@cache
def option_names() -> frozenset[str]:
    """Of buddyd and of all commands of buddywatch."""
    names = {"--" + option[0] for option in options.OPTIONS}
    for command in COMMANDS:
        names |= set(re.findall(r"--[a-z-]+", command_parser(command).format_help()))
    return frozenset(names | set(re.findall(r"--[a-z-]+", build_parser([]).format_help())))


def command_parser(name: str):
    """The parser of one command of buddywatch."""
    (commands,) = [action for action in build_parser([name])._actions if action.dest == "command"]
    return commands.choices[name]


def check_make(words: list[str], folder: Path) -> None:
    if "-C" in words:  # somebody else's Makefile: what it is given must exist here
        paths = [word.partition("=$PWD/")[2] for word in words if "=$PWD/" in word]
        assert paths, words
        assert [path for path in paths if not (TOP / path).exists()] == []
        return
    assert words[1:], "make alone shows the targets"
    for word in words[1:]:
        name, is_variable, _ = word.partition("=")
        assert name in (VARIABLES if is_variable else TARGETS), word


def check_python(words: list[str], folder: Path) -> None:
    if "-m" in words and words[words.index("-m") + 1] == "buddyd":
        check_agent(words[words.index("-m") + 2 :])
    elif "-m" in words:
        assert words[words.index("-m") + 1] in ("venv", "pip")
    else:
        assert (folder / words[1]).exists(), words[1]


def check_agent(arguments: list[str]) -> None:
    """buddyd would take them, or refuse the value of an option that it has."""
    texts = options._from_arguments(arguments)
    if texts.get("telnet") != "70000":  # the example of an error
        options.check(texts)


def check_buddywatch(words: list[str], folder: Path) -> None:
    arguments = build_parser(words[1:]).parse_args(words[1:])
    for url in getattr(arguments, "links", []):
        Doors(Config(Collector(Path("unused.db")))).connection(url)


def check_sh(words: list[str], folder: Path) -> None:
    assert (folder / words[1]).exists(), words[1]


CHECKS: dict[str, Callable[[list[str], Path], None]] = {
    **dict.fromkeys(PYTHONS, check_python),
    **dict.fromkeys(BUDDYWATCH, check_buddywatch),
    "make": check_make,
    "sh": check_sh,
}


@pytest.mark.parametrize(("page", "typed"), COMMANDS_TYPED)
def test_command_is_one_that_exists(page: Path, typed: Typed) -> None:
    folder = TOP
    for words in simple_commands(typed.line):
        if words[0] == "cd":
            folder = folder / words[1]
            assert folder.is_dir() or words[1] == "buddywatch"  # that of a fresh clone
        elif words[0] in CHECKS:
            CHECKS[words[0]](words, folder)
        else:
            assert words[0] in FOREIGN or words[0].startswith("/opt/buddywatch/bin/"), words[0]


def test_commands_that_a_mail_of_the_night_names_exist() -> None:
    """They lead on, and are typed as they stand there."""
    text = "\n".join(block.text for block in docs_pages.blocks(NIGHT_CALL, "text"))
    named = re.findall(r"`(buddywatch [^`]+)`", docs_pages.flat(text)) + re.findall(r"^  (buddywatch .*)$", text, re.M)
    assert {line.split()[1] for line in named} >= {"map", "explain", "watch", "silence", "alerts"}
    for line in named:
        (words,) = simple_commands(line)
        check_buddywatch(words, TOP)


@pytest.mark.parametrize(("page", "line"), LINES)
def test_boot_line_starts_buddyd_with_options_that_it_has(page: Path, line: str) -> None:
    # It may be quoted for sh -c as a whole: the last word then is the command.
    words = shlex.split(line)
    words = shlex.split(words[-1]) if "-m" not in words else words
    assert words[words.index("-X") + 1].startswith("heapsize=")
    following = words[words.index("-m") + 2 :]
    check_agent([word for word in following if word.startswith("--")])


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_code_in_the_text_names_what_exists(page: Path) -> None:
    for text in re.findall(r"`([^`\n]+)`", docs_pages.prose(page)):
        words = text.split()
        if words[:1] == ["make"] and len(words) > 1:
            check_make(words, TOP)
        if re.fullmatch(r"[A-Z_]+=\S+", text) and page.name in ("contributing.md", "emulated-board.md"):
            assert text.partition("=")[0] in VARIABLES, text
        if words[:1] == ["buddywatch"] and len(words) > 1:
            assert words[1] in COMMANDS, text
        if re.fullmatch(r"(agent|host|tests|scripts|docs)/[\w./-]+", text):
            assert (TOP / text).exists(), text
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= option_names() | FOREIGN_OPTIONS, text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", docs_pages.prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in docs_pages.anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page_holds_no_placeholder(page: Path) -> None:
    assert re.findall(r"@@\w+@@|TODO|FIXME|XXX", page.read_text()) == []


def targets(page: Path) -> set[Path]:
    """The files that a page links to."""
    found = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", docs_pages.prose(page))
    return {(page.parent / target).resolve() for target in found if "://" not in target}


def test_every_page_is_reachable_from_the_index() -> None:
    pending, seen = {INDEX}, set()
    while pending:
        page = pending.pop()
        seen.add(page)
        pending |= {target for target in targets(page) if target in PAGES} - seen
    assert set(PAGES) - seen - {TOP / "README.md"} == set()
    assert INDEX in targets(TOP / "README.md")


def test_index_names_every_page_below_docs() -> None:
    assert set(DOCS.rglob("*.md")) - {INDEX} - targets(INDEX) == set()


@pytest.mark.parametrize("page", MAPS, ids=name_of)
def test_readme_fits_on_a_page(page: Path) -> None:
    limit = README_LINES_MAX if page.parent == TOP else MAP_LINES_MAX
    assert len(page.read_text().splitlines()) <= limit


@pytest.mark.parametrize("page", [page for page in PAGES if page not in (WORDING, CHANGELOG)], ids=name_of)
def test_page_has_no_riddles(page: Path) -> None:
    text = docs_pages.flat(re.sub(r"`[^`\n]*`", "", docs_pages.prose(page)))
    assert re.findall(RIDDLES, text, re.IGNORECASE) == []


def test_wording_names_the_riddles() -> None:
    rule = next(line for line in WORDING.read_text().split("- **") if line.startswith("No riddles"))
    assert {word for word in re.findall(r'"([a-z ]+)"', rule) if not re.search(RIDDLES, word)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page_has_one_title(page: Path) -> None:
    text = docs_pages.prose(page)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_headings_of_a_page_differ(page: Path) -> None:
    titles = re.findall(r"^#+ (.+)$", docs_pages.prose(page), re.MULTILINE)
    assert len(set(titles)) == len(titles)  # or the second one has no anchor, and section() would not find it


def test_every_command_of_buddywatch_is_described() -> None:
    text = (DOCS / "reference/commands.md").read_text()
    assert {name for name in COMMANDS if f"`buddywatch {name}" not in text} == set()


# --- the checks themselves: each finds what it is for ---


@pytest.mark.parametrize(
    "line",
    [
        "make nosuch",
        "make run SPEED=1",
        "python3 tests/nosuch.py",
        "python3 -m buddyd --nosuch",
        "buddywatch nosuch",
        "buddywatch status --nosuch",
        "buddywatch collect ftp://host",
        "sh scripts/nosuch",
        "nosuch",
        "cd nosuch",
    ],
)
def test_checks_refuse_what_does_not_exist(line: str) -> None:
    with pytest.raises((AssertionError, SystemExit, ValueError)):
        test_command_is_one_that_exists(TOP, Typed(line, ""))
