"""The margin's course in a mail: bars in its text, a plot in its HTML part."""

import struct
import zlib

import pytest
from alert_facts import REFUSED, T0, facts
from buddywatch.config.sections import Mail
from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.message_facts import Course
from buddywatch.notify.course import course_lines
from buddywatch.notify.mail import compose_mail
from buddywatch.notify.message import compose
from buddywatch.pictures.margin_png import HEIGHT, WIDTH, margin_png
from buddywatch.verdict.margin_course import course_of
from buddywatch.verdict.margin_history import MarginHistory
from hypothesis import given
from hypothesis import strategies as st

COURSE = Course("rm", ((7200.0, 80), (3600.0, 40), (0.0, -5)))


def record(margins, period_s=5.0):
    history = MarginHistory(period_s)
    for number, margin in enumerate(margins):
        history.add(number * period_s, margin)
    return MarginRecord("rm", "b1", 1, "x", history.dump())


def test_a_course_is_the_least_margin_of_each_part_of_the_day():
    course = course_of(record([100] * 400 + [7] + [100] * 400))
    assert min(pages for _, pages in course.points) == 7
    assert course.points[0][0] == pytest.approx(800 * 5, rel=0.1) and course.points[-1][0] == 0.0


def test_a_course_is_no_longer_than_a_day():
    course = course_of(record(range(5000, 0, -1), 60.0))
    assert course.points[0][0] <= 86400


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_damaged_history_is_no_course(text):
    assert course_of(MarginRecord("rm", "b1", 1, "x", text)) is None


def test_too_few_points_are_no_course():
    assert course_of(record([1, 2])) is None


def test_the_bars_fall_with_the_margin_and_a_refused_need_has_none():
    assert course_lines(COURSE, None) == ["  - rm: 80 pages to spare 2 h ago, now -5", "    \u2588\u2585_"]


def test_what_is_spare_now_is_of_the_newest_snapshot_and_not_the_lowest_of_late():
    assert course_lines(COURSE, 11)[0] == "  - rm: 80 pages to spare 2 h ago, now 11"


def test_a_mail_with_a_course_has_a_plot_beside_its_text():
    message = compose(facts(REFUSED, courses=(COURSE,)))
    mail = compose_mail(Mail(("you@b",), "me@b"), message, T0)
    assert mail.get_body(("plain",)).get_content() == message.body
    assert "\u2588\u2585_" in message.body
    html = mail.get_body(("html",)).get_content()
    assert "rm can no longer start" in html and 'src="cid:margin-0@buddywatch"' in html
    [png] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert png["Content-ID"] == "<margin-0@buddywatch>" and png.get_content()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_mail_without_a_course_is_text_alone():
    assert compose_mail(Mail(("you@b",), "me@b"), compose(facts(REFUSED)), T0).get_content_type() == "text/plain"


@given(st.lists(st.tuples(st.floats(0, 86400), st.integers(-(10**6), 10**6)), min_size=1, max_size=50))
def test_every_plot_is_a_png_of_its_size(points):
    png = margin_png(sorted(points, reverse=True))
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind], at = data, at + 12 + length
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (WIDTH, HEIGHT)
    assert len(zlib.decompress(chunks[b"IDAT"])) == (WIDTH + 1) * HEIGHT


def contrast(one, other):
    """WCAG 2.1, 1.4.11: of two colours as (red, green, blue)."""
    shares = [[value / 3294.6 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
              for colour in (one, other)]  # fmt: skip
    light = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05 for red, green, blue in shares)
    return light[1] / light[0]


def test_a_plot_is_seen_by_day_and_night():
    """The mail shows through where there is nothing; what stands for a margin is clear on white and on near black."""
    png = margin_png([(3600.0, 40), (0.0, -5)])
    palette = png[png.index(b"PLTE") + 4 :]
    colours = [tuple(palette[3 * at : 3 * at + 3]) for at in range(4)]
    assert png.index(b"PLTE") < png.index(b"tRNS") < png.index(b"IDAT")
    assert png[png.index(b"tRNS") - 4 : png.index(b"tRNS") + 5] == b"\0\0\0\1tRNS\0"
    for behind in ((255, 255, 255), (18, 18, 18)):
        assert all(contrast(colour, behind) >= 3 for colour in colours[2:])
        assert contrast(colours[1], behind) >= 2
