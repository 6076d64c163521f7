"""The HTML part of a mail: the text of the plain part, wrapped by the reader's screen."""

import base64
import re
from html import unescape

import pytest
from alert_facts import facts, transition
from browser import SCHEMES, WIDTHS, needs_browser, probed
from buddywatch.notify.mail_page import page_of
from buddywatch.notify.message import compose
from buddywatch.pictures.margin_png import HEIGHT, WIDTH, margin_png

BODY = compose(facts([transition("refused", "firing", "rm")])).body
PNG = base64.b64encode(margin_png([(3600.0 * hour, 10 * hour - 40) for hour in range(24, 0, -1)])).decode()
PICTURE = f'<img src="data:image/png;base64,{PNG}" width="{WIDTH}" height="{HEIGHT}" alt="">'


def words(page):
    return unescape(re.sub("<[^>]*>", " ", page.partition("<body>")[2])).split()


def test_it_says_what_the_text_says():
    assert words(page_of(BODY, "")) == BODY.split()


def test_the_first_line_is_the_heading_and_sections_have_headings_of_their_own():
    page = page_of(BODY, "<hr>")
    assert re.findall("<h1>(.*)</h1>", page) == [" ".join(BODY.split("\n\n")[0].split("\nSince")[0].split())]
    assert "Memory" in re.findall("<h2>(.*)</h2>", page)
    assert page.index("<h1>") < page.index("<hr>") < page.index("<h2>")


@pytest.mark.parametrize(
    ("text", "element"),
    [
        pytest.param(
            "  " + "word " * 13 + "end\n  longer and more", f"<p>{'word ' * 13}end longer and more</p>", id="joined"
        ),
        pytest.param("  short\n  next", "<p>short</p>\n<p>next</p>", id="not-joined"),
        pytest.param("  - one\n  - two", '<p class="item">- one</p>\n<p class="item">- two</p>', id="items"),
        pytest.param("  a:     1 kB\n  b:    22 kB", "<pre>  a:     1 kB\n  b:    22 kB</pre>", id="columns"),
        pytest.param("  \u2588\u2582", "<pre>  \u2588\u2582</pre>", id="bars"),
        pytest.param("First\n  <b>", "<h2>First</h2>\n<p>&lt;b&gt;</p>", id="escaped"),
        pytest.param("More: `x`.", "<p>More: `x`.</p>", id="no-title"),
    ],
)
def test_lines_become_what_they_are(text, element):
    assert element in page_of(f"CRIT xp\n\n{text}\n", "")


@needs_browser
@SCHEMES
def test_it_fits_the_screen_by_day_and_night(tmp_path, scheme):
    for width, found in zip(WIDTHS, probed(page_of(BODY, PICTURE), tmp_path, scheme), strict=True):
        inner, whole, _, background = found
        assert inner == width and whole <= width
        assert background == ("rgb(18, 18, 18)", "rgb(255, 255, 255)")[scheme]
