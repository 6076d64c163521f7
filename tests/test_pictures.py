"""The pictures of the documentation show what the program shows now."""

import xml.etree.ElementTree as ET
from pathlib import Path

import make_pictures
import pytest

STALE = "stale: run `make pictures`"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return dict(make_pictures.made(tmp_path_factory.mktemp("pictures")))


@pytest.mark.parametrize("name", make_pictures.PICTURES)
def test_picture_is_not_stale(made: dict[str, str], name: str) -> None:
    stored = (make_pictures.FOLDER / f"{name}.svg").read_text()
    assert make_pictures.comparable(stored) == make_pictures.comparable(made[name]), STALE


@pytest.mark.parametrize("path", sorted(make_pictures.FOLDER.iterdir()), ids=lambda path: path.name)
def test_picture_is_made_here_and_well_formed(path: Path) -> None:
    assert path.stem in make_pictures.PICTURES
    root = ET.fromstring(path.read_text())
    assert root.get("role") == "img" and root.get("aria-labelledby") == "t d"
    texts = [element for element in root.iter() if element.tag.endswith("text")]
    assert texts and all(float(text.get("x", "-1")) >= 0 for text in texts)


def test_times_are_not_compared_and_words_are() -> None:
    first, later, other = (
        f'<svg><desc id="d">{text}</desc></svg>'
        for text in ("12:00:01 fails in 3 h", "13:10:02 fails in 14 h", "12:00:01 gone in 3 h")
    )
    assert make_pictures.comparable(first) == make_pictures.comparable(later) != make_pictures.comparable(other)
