"""A board's picture in characters and as SVG: what they show, and that they are well formed for any values."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from buddywatch.model.forecasts import FALLING, Forecast
from buddywatch.pictures import svg
from buddywatch.pictures.board_picture import EVENT, FAILURE, GAP, REBOOT, BoardPicture, Mark, NeedCourse, in_columns
from buddywatch.pictures.heat import heat_row
from buddywatch.pictures.plot_lines import need_words, plot_lines
from hypothesis import given
from hypothesis import strategies as st

HOUR_S = 3600.0
SINCE = 1_700_000_000.0
FALLS = tuple((SINCE + hour * HOUR_S, 20.0 - hour * 2) for hour in range(10))
NEED = NeedCourse("rm", 65_536, FALLS, Forecast(FALLING, 7200.0, 3600.0, 14_400.0), "ok", 2)
HEAT = tuple(tuple((time, float(max(0, 5 - order))) for time, _ in FALLS) for order in range(11))
MARKS = (
    Mark(SINCE + HOUR_S, GAP, "lost"),
    Mark(SINCE + 5 * HOUR_S, REBOOT, "reboot"),
    Mark(SINCE + 9 * HOUR_S, FAILURE, "rm failed"),
)
PICTURE = BoardPicture(
    "xp", SINCE, SINCE + 10 * HOUR_S, HOUR_S, (NEED,), tuple((time, 4e6) for time, _ in FALLS),
    tuple((time, 65_536.0) for time, _ in FALLS), HEAT, 4096, MARKS,
)  # fmt: skip
NS = {"s": "http://www.w3.org/2000/svg"}


def test_a_value_holds_for_its_step_and_no_longer():
    holed = replace(PICTURE, step_s=HOUR_S)
    points = (FALLS[0], FALLS[5])
    assert in_columns(points, holed, 10) == [20.0, None, None, None, None, 10.0, None, None, None, None]
    assert in_columns(FALLS, holed, 5) == [18.0, 14.0, 10.0, 6.0, 2.0]
    assert in_columns(FALLS, holed, 20)[:4] == [20.0, 20.0, 18.0, 18.0]


def test_the_words_of_a_need():
    assert need_words(NEED) == (
        "rm: 2 usable 64 kB blocks now, 20 at the begin, 2 at least; refused in about 2 h (60 min to 4 h) at this rate"
    )
    assert need_words(replace(NEED, now=0)).endswith("; FAILS")
    assert need_words(replace(NEED, blocks=())) == "rm (64 kB blocks): nothing is known of this time"


@pytest.mark.parametrize("unicode", [True, False])
def test_a_plot_has_all_parts_within_its_columns(unicode):
    lines = plot_lines(PICTURE, 78, unicode)
    assert max(map(len, lines)) <= 78
    text = "\n".join(lines)
    assert text.isascii() is not unicode
    assert "free 4000000 B to 4000000 B; usable, the largest request" in text
    assert [line for line in lines if line.startswith("   4k ")] and [
        line for line in lines if line.startswith("   4M ")
    ]
    marks = next(line for line in lines if line.strip() and set(line.strip()) <= set("✖XR? "))
    places = [marks.index(sign) for sign in ("?", "R", "✖" if unicode else "X")]
    assert places == sorted(places)
    assert lines[-1].endswith("rm failed")


def test_a_falling_course_never_rises_in_the_picture():
    chart = [line[6:48] for line in plot_lines(replace(PICTURE, marks=()), 78, True) if line[4:6] in (" ┤", " ┼")]
    heights = [sum(row[column] not in " _" for row in chart) for column in range(42)]
    assert heights == sorted(heights, reverse=True) and heights[0] == 8


def test_heat_is_darker_for_more():
    assert heat_row([None, 0, 1, 2, 3, 4, 7, 8, 900]) == " ·░▒▒▓▓██"
    assert heat_row([0, 0.4], False) == ".-"


def test_nothing_known_is_said():
    lines = plot_lines(BoardPicture("xp", SINCE, SINCE + 60, 5.0, (replace(NEED, blocks=()),)), 80, True)
    assert "rm (64 kB blocks): nothing is known of this time" in lines
    assert "free memory: nothing is known of this time" in lines


def test_the_svg_has_every_part_and_its_text_alternatives():
    root = ET.fromstring(svg.document(PICTURE))
    inner = root.findall("s:svg", NS)
    assert len(inner) == 2 and all(one.get("role") == "img" for one in inner)
    for one in inner:
        title, words = one.find("s:title", NS), one.find("s:desc", NS)
        assert one.get("aria-labelledby").split() == [title.get("id"), words.get("id")]
        assert title.text and words.text
    assert inner[0].find("s:desc", NS).text == need_words(NEED)
    kinds = [path.get("class") for path in inner[0].findall("s:path", NS)]
    assert {GAP, REBOOT, FAILURE, "ahead"} <= set(kinds)
    assert "script" not in svg.document(PICTURE) and "http://www.w3.org" in svg.document(PICTURE)


def test_the_svg_has_a_hole_where_nothing_is_known():
    holed = replace(NEED, blocks=(*FALLS[:3], *FALLS[7:]))
    lines = ET.fromstring(svg.need_svg(holed, PICTURE, "a")).findall("s:polyline", NS)
    assert len(lines) == 2


def test_what_is_refused_is_red_on_the_floor_and_has_no_forecast():
    refused = replace(NEED, blocks=(*FALLS[:-1], (FALLS[-1][0], -1.0)))
    paths = [path.get("class") for path in ET.fromstring(svg.need_svg(refused, PICTURE, "a")).findall("s:path", NS)]
    assert "none" in paths and "ahead" not in paths


def test_text_of_a_board_is_text_in_the_svg():
    evil = "<script>alert('x')</script>\x1b[2J"
    shown = svg.document(replace(PICTURE, needs=(replace(NEED, name=evil),), marks=(Mark(SINCE + 9, EVENT, evil),)))
    assert "<script" not in shown and "\x1b" not in shown
    ET.fromstring(shown)


def contrast(one, other):
    """Of two colours, by WCAG 2.2."""

    def light(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast_on_their_background(scheme):
    block = svg.STYLE.replace("\n", "").split(".bw{")[scheme + 1].partition("}")[0]
    colours = dict(part.partition(":")[::2] for part in block.split(";"))
    for text in ("--ink", "--soft"):
        assert contrast(colours[text], colours["--page"]) >= 4.5, text
    for line in ("--rule", "--good", "--bad", "--band", "--h4", "--h3"):
        assert contrast(colours[line], colours["--page"]) >= 3, line


POINTS = st.lists(st.tuples(st.floats(SINCE - 1e5, SINCE + 1e5), st.floats(-1, 1e6)), max_size=12).map(
    lambda points: tuple(sorted(points))
)


@given(
    POINTS, POINTS, st.integers(1, 200), st.floats(1, 1e5), st.booleans(), st.lists(st.sampled_from(MARKS), max_size=4)
)
def test_any_values_make_a_plot_and_a_well_formed_svg(blocks, free, columns, step_s, unicode, marks):
    picture = replace(
        PICTURE, needs=(replace(NEED, blocks=blocks),), free=free, heat=(free,), step_s=step_s, marks=tuple(marks)
    )
    assert plot_lines(picture, columns, unicode)
    assert ET.fromstring(svg.document(picture)).tag.endswith("svg")
