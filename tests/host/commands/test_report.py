"""`buddywatch report`: its words, and the page in a real browser at the widths of a phone, a tablet and a screen."""

import re
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from browser import BACKGROUNDS, SCHEMES, WIDTHS, needs_browser, paper_sizes, probed
from buddywatch.pictures import svg
from livefleet import FAILING, FALLING, LEVEL, tell

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'


@pytest.fixture
def page(buddywatch, store, tmp_path):
    """The page of three boards as text, and its file."""
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("soon", FALLING), ("bad", FAILING)]):
            tell(store, name, kind, time.time(), number=number)
    file = tmp_path / "a.html"
    assert buddywatch("report", "--html", str(file)).code == 0
    return file.read_text(), file


class Structure(HTMLParser):
    """Tags that are open, which must end in their order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.tags = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.headings += [tag] if re.fullmatch("h[1-6]", tag) else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_boards_are_worst_first_each_with_a_sentence(page):
    entries = re.findall(
        r'<li class="s\d"><span class="state">(\w+)</span> <a href="#b\d"><b>(\w+)</b></a>: (.*)</li>', page[0]
    )
    assert [entry[1] for entry in entries] == ["bad", "soon", "calm"]
    assert (entries[0][0], entries[-1][0]) == ("FAILS", "ok")
    assert entries[0][2] == "httpd and rm cannot start now."
    assert entries[-1][2].startswith("All needs can be served; ")


def test_it_stands_alone_and_is_well_formed(page):
    text, _ = page
    found = Structure(text)
    assert found.open == [] and found.headings[:2] == ["h1", "h2"]
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    assert set(re.findall(r"https?://[^\"' )]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text and "@import" not in text


def test_every_chart_has_a_text_alternative_of_its_own(page):
    charts = re.findall(r"<svg .*?</svg>", page[0], re.DOTALL)
    assert len(charts) == 3 * 3
    names = set()
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.get("role") == "img"
        parts = [root.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc")]
        assert all(part.text for part in parts) and root.get("aria-labelledby").split() == [
            part.get("id") for part in parts
        ]
        names |= {part.get("id") for part in parts}
    assert len(names) == 2 * len(charts)


def test_what_changed_what_happened_and_why(page):
    text = page[0].partition('id="b0"')[2].partition("</section>")[0]
    assert "In 7d (in brackets: in the 7d before)" in text
    assert "httpd: least 0 usable blocks (unknown)" in text
    assert re.search(r"<td>critical, refused</td><td>open for \w+</td><td>httpd: a request of 200000", text)
    assert "<td>warning, tight" not in text  # a refused need is one line
    assert "<b>Would fail:</b> httpd, a 256 kB block." in text and "reboot: that alone" in text


def test_text_of_a_board_is_text(buddywatch, store, tmp_path):
    evil = "<script>x</script>\x1b[2J"
    tell(store, evil, LEVEL, time.time(), days=1)
    file = tmp_path / "a.html"
    assert buddywatch("report", "--html", str(file)).code == 0
    assert "<script" not in file.read_text() and "\x1b" not in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected --html FILE, --mail, or both"),
        (["nobody", "--html", "a"], "no board 'nobody'"),
        (["--html", "/nowhere/a.html"], "No such file"),
        (["--html", "a", "--since", "1h", "--until", "2h"], "--since must lie before --until"),
    ],
)
def test_wrong_use_is_one_line(buddywatch, store, arguments, said):
    result = buddywatch("report", *arguments)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_boards_are_chosen_and_none_is_a_page_too(page, buddywatch, tmp_path):
    file = tmp_path / "b.html"
    assert buddywatch("report", "calm", "--since", "1d", "--html", str(file)).code == 0
    assert "<h2>calm" in file.read_text() and "<h2>bad" not in file.read_text()


@needs_browser
@SCHEMES
def test_it_fits_every_width_and_shows_every_picture(page, scheme):
    for width, found in zip(WIDTHS, probed(page[0], page[1].parent, scheme), strict=True):
        inner, whole, heights, background = found
        assert inner == width and whole <= width
        assert len(heights) == 9 and min(heights) >= 80
        assert background == BACKGROUNDS[scheme]


@needs_browser
def test_it_prints_on_a4(page, tmp_path):
    sizes = paper_sizes(page[1].as_uri(), tmp_path)
    assert len(sizes) >= 3  # each board begins a page
    assert set(sizes) <= {(595, 842), (596, 842), (594, 841)}


def test_the_styles_of_pictures_are_in_the_page_once(page):
    assert page[0].count(svg.STYLE.strip().splitlines()[0]) == 1
