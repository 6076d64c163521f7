"""`buddywatch plot`: pictures of a stored week."""

import time
import xml.etree.ElementTree as ET

import pytest
from livefleet import FAILING, tell

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'


@pytest.fixture
def week(buddywatch, store):
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        tell(store, "bad", FAILING, time.time())
    return buddywatch


def test_a_week_is_drawn_as_wide_as_the_terminal(week, monkeypatch):
    for columns in (60, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = week("plot", "bad").lines
        rows = [line for line in lines if line.startswith(" 256k ")]
        assert len(rows) == 1 and columns - 8 <= len(rows[0]) <= columns
    assert [line for line in lines if line.startswith("httpd: 0 usable 256 kB blocks now")]
    assert [line for line in lines if line.startswith("rm: 0 usable 64 kB blocks now")]
    assert any("7d ago" in line for line in lines)


def test_a_need_and_a_span_are_chosen(week):
    out = week("plot", "bad", "--need", "rm", "--since", "1d").out
    assert "rm:" in out and "httpd:" not in out and "24h ago" in out
    assert "7d ago" in week("plot", "bad", "--since", "boot").out
    assert week("plot", "bad", "--since", "yesterday").code == 0


def test_svg_goes_into_a_file(week, tmp_path):
    file = tmp_path / "a.svg"
    assert week("plot", "bad", "--svg", str(file)).out == ""
    assert ET.fromstring(file.read_text()).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "no board 'nobody'"),
        (["bad", "--need", "x"], "--need 'x': expected a need of the board: rm, httpd"),
        (["bad", "--since", "x"], "expected a duration such as"),
        (["bad", "--since", "1h", "--until", "2h"], "--since must lie before --until"),
        (["bad", "--svg", "/nowhere/a.svg"], "No such file"),
    ],
)
def test_wrong_use_is_one_line(week, arguments, said):
    result = week("plot", *arguments)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_a_board_without_data_has_nothing_to_draw(buddywatch, store):
    buddywatch.config.write_text('[[board]]\nname = "new"\n')
    assert "free memory: nothing is known of this time" in buddywatch("plot", "new").out
