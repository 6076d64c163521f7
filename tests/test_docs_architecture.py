"""docs/architecture.md and the maps of both halves: rooms that exist, on the floors that test_layering enforces."""

import re
from pathlib import Path

import docs_pages
import pytest
from docs_pages import DOCS, TOP
from test_layering import AGENT, AGENT_FLOORS, FILE_LINES_MAX, FLOORS, FUNCTION_LINES_MAX, HOST, SHARED_WITH_HOST

PAGE = DOCS / "architecture.md"
ABOVE_ALL_ROOMS = {"cli", "__main__"}


def floors(title: str) -> dict[str, int]:
    """The floor of each room in a section's table."""
    return {docs_pages.code(row[1])[0]: int(row[0]) for row in docs_pages.rows(docs_pages.section(PAGE, title))}


def rooms(root: Path) -> set[str]:
    return {path.parent.name for path in root.glob("*/__init__.py")}


def test_rooms_of_the_host_are_on_the_floors_that_are_enforced() -> None:
    assert floors("The rooms of the host") == {
        room: floor for room, floor in FLOORS.items() if room not in ABOVE_ALL_ROOMS
    }


def test_rooms_of_the_board_are_on_the_floors_that_are_enforced() -> None:
    assert floors("The rooms of the board") == {
        room: floor for room, floor in AGENT_FLOORS.items() if room != "__init__"
    }


def test_picture_shows_every_room_of_the_way() -> None:
    (picture,) = docs_pages.blocks(PAGE, "text")
    beside_the_way = {"model", "text", "pictures", "report", "config", "explain", "doctor", "kernel_text", "compat"}
    beside_the_way |= {"recorded", "replay", "web", "guard", "bridge", "fleet"}
    assert {room for room in rooms(HOST) | rooms(AGENT) if f"{room}/" not in picture.text} == beside_the_way


def test_shared_modules_are_named() -> None:
    named = docs_pages.code(docs_pages.prose(PAGE))
    assert {name.removeprefix("buddyd.") for name in named if name.startswith("buddyd.")} == SHARED_WITH_HOST


@pytest.mark.parametrize("page", [PAGE, *docs_pages.MAPS], ids=docs_pages.name_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = [text for text in docs_pages.code(docs_pages.prose(page)) if re.fullmatch(r"[\w/]+\.py", text)]
    roots = (TOP, TOP / "agent", AGENT, HOST)
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_page_names_the_limits_of_files_and_functions() -> None:
    text = docs_pages.flat(docs_pages.section(PAGE, "Where does new code go?"))
    assert f"at most {FILE_LINES_MAX} lines, a function at most {FUNCTION_LINES_MAX}" in text


@pytest.mark.parametrize(
    ("page", "root", "folder"),
    [(TOP / "agent" / "README.md", AGENT, TOP / "agent"), (TOP / "host" / "README.md", HOST, HOST)],
    ids=["agent", "host"],
)
def test_map_names_every_room_and_only_what_exists(page: Path, root: Path, folder: Path) -> None:
    table = docs_pages.rows(docs_pages.section(page, "What is where"))
    places = [place for row in table for place in docs_pages.code(row[0])]
    assert [place for place in places if not (folder / place).exists()] == []
    assert rooms(root) - {Path(place).name for place in places} == set()
