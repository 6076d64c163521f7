"""A document for a terminal, as Markdown and as HTML: the same words, and nothing that a board said is markup."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from buddywatch.text.document import (
    Bullets,
    Columns,
    Heading,
    Lead,
    Paragraph,
    html_lines,
    markdown_lines,
    plain,
    text_lines,
)
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = "<script>alert(1)</script> [x](http://y) *b* _i_ `rm -rf /` & | # ~ \x1b[31m \u202e"


def parts(name):
    said = plain(name)
    return [
        Lead("Failed", f"{said} asked."),
        Heading(f"Line 3: {said}"),
        Paragraph(f"{said} needs `echo 0 > /proc/sys/vm/nr_trim_pages`."),
        Bullets([f"first {said}", "second"]),
        Columns([f"  {said}  1  2"]),
    ]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.words += data.split()


def parsed(lines):
    tags = Tags()
    tags.feed("\n".join(lines))
    return tags


@given(st.text(max_size=60))
def test_html_has_our_tags_alone(name):
    found = parsed(html_lines(parts(name)))
    assert {tag for tag, _ in found.tags} <= {"p", "b", "h3", "ul", "li", "pre", "code"}
    assert all(not attrs for _, attrs in found.tags)


def test_html_says_what_the_terminal_says():
    words = " ".join(" ".join(text_lines(parts(HOSTILE))).split())
    said = " ".join(parsed(html_lines(parts(HOSTILE))).words)
    for piece in ("alert(1)", "'rm -rf /'", "echo 0 > /proc/sys/vm/nr_trim_pages"):
        assert piece in words
        assert piece in said


@given(st.text(alphabet="<>[]*_`&|#~@\\ab1.-+= ", max_size=40))
def test_markdown_of_a_name_has_no_markup(name):
    """Without the escaped characters, the code of ours and the indented columns, no character of markup is left."""
    lines = markdown_lines([Heading(f"Line 3: {plain(name)}"), Bullets([plain(name)]), Paragraph(plain(name))])
    for line in lines:
        said = re.sub(r"^(### |- )", "", line)
        assert not re.search(r"[*_\[\]<>&|#~`]", re.sub(r"\\.", "", said))
        assert not re.match(r"\s*(\d+[.)]|[-+=])", said)


def test_markdown_keeps_our_code_and_columns():
    lines = markdown_lines(parts("rm"))
    assert "**Failed:** rm asked." in lines
    assert "rm needs `echo 0 > /proc/sys/vm/nr_trim_pages`." in lines
    assert "      rm  1  2" in lines
    assert lines.index("### Line 3: rm") < lines.index("- first rm")


def test_terminal_gets_no_escape_sequences_and_78_columns():
    lines = text_lines(parts(HOSTILE))
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert all(len(line) <= 78 for line in lines if "1  2" not in line)


@pytest.mark.parametrize("render", [text_lines, markdown_lines, html_lines])
def test_nothing_makes_an_empty_document(render):
    assert render([]) == []


def test_unescaped_html_is_the_text():
    (line,) = html_lines([Paragraph(plain("a & b < c"))])
    assert unescape(re.sub(r"<[^>]+>", "", line)) == "a & b < c"
