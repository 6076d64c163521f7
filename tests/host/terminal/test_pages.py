"""The pages of the live view as lines. Expected lines were checked by eye; the last test is for any fleet and size."""

from dataclasses import replace

import pytest
from buddywatch.model.forecasts import FALLING, LEVEL, Forecast
from buddywatch.terminal.board_page import board_lines
from buddywatch.terminal.fleet_page import fleet_lines
from buddywatch.terminal.style import CYAN, RED, Style, painted
from buddywatch.terminal.text_page import text_lines
from buddywatch.terminal.view import (
    BOARD,
    FAILS,
    FINE,
    SILENT,
    SOON,
    AlertLine,
    BoardLine,
    Depth,
    Fleet,
    NeedLine,
    View,
)
from hypothesis import given
from hypothesis import strategies as st
from terminal import Terminal

PLAIN = Style(colour=False)
ASCII = Style(colour=False, unicode=False)
DAY_S = 86_400.0
FALLS = tuple((DAY_S * (7 - day), float(20 - 2.8 * day)) for day in range(8))
HTTPD = NeedLine("httpd", 262_144, "refused", 0, Forecast(FALLING, 0.0), (*FALLS[:-1], (0.0, -1.0)), -9.0, 720.0)
RM = NeedLine("rm", 65_536, "tight", 1, Forecast(FALLING, 21_600.0, 10_800.0, 39_600.0), FALLS, -4.0)
WELL = NeedLine("httpd", 262_144, "ok", 4, Forecast(LEVEL), ((DAY_S * 7, 4.0), (0.0, 4.0)), 0.0)
ALERT = AlertLine(7, "refused", "httpd", "critical, refused for 12m: httpd: would fail", False, False)
BOARDS = (
    BoardLine("shop-05", FINE, (WELL,), 524_288, 2.0),
    BoardLine("shop-07", FAILS, (HTTPD, RM), 65_536, 2.0, alerts=(ALERT,)),
    BoardLine("shop-11", SOON, (RM,), 131_072, 1.0),
    BoardLine("shop-31", SILENT, (), None, 840.0, "connection refused for 14m; ring lasts 2h40 more"),
)
FLEET = Fleet(BOARDS, "03:07:12", "mail ok", ("03:04:58 shop-07: httpd: last 256k block gone",))
HEAT = tuple(tuple(float(max(0, 9 - order - part // 12)) for part in range(120)) for order in range(11))
DEPTH = Depth(
    "shop-07", "Linux 2.6.30, no MMU", 604_800.0, (("telnet://10.0.0.7:23", True),), "free 3284 kB", HEAT, 7 * DAY_S,
    4096, ("OWNER   kB", "httpd 33  212"), {"httpd": "FAILS: the largest usable block is 64 kB"},
    ("14:04 httpd failed",), ("lost 15 frames",), ("plan a reboot",),
)  # fmt: skip


def page(fleet=FLEET, view=None, width=80, height=24, style=PLAIN):
    return [painted(line, width, style).rstrip() for line in fleet_lines(fleet, view or View(), width, height, style)]


def board(fleet=FLEET, depth=DEPTH, width=80, height=24, style=PLAIN, name="shop-07"):
    lines = board_lines(fleet, View(page=BOARD, selected=name), depth, width, height, style)
    return [painted(line, width, style).rstrip() for line in lines]


def test_the_fleet_is_worst_first():
    assert page()[:7] == [
        "buddywatch  4 boards: 1 FAIL 1 soon 1 silent 1 ok              03:07:12  mail ok",
        "/ filter  s sort: time left  Enter board  a alerts  m mute  ? help  q quit",
        "    BOARD   NEED  BLOCK LEFT LARGEST LAST 7 DAYS      PER DAY FAILS IN      SEEN",
        "✖ ▸ shop-07 httpd  256k    0     64k ██▇▇▆▆▅▅▅▄▄▃▃▂▂_      -9 since 12m       2s",
        "!   shop-11 rm      64k    1    128k ██▇▇▆▆▅▅▅▄▄▃▃▂▂▁      -4 ~6 h (3-11)     1s",
        "?   shop-31 connection refused for 14m; ring lasts 2h40 more                 14m",
        "✓   shop-05 httpd  256k    4    512k ████████████████       0 level           2s",
    ]
    assert page()[-1] == "03:04:58 shop-07: httpd: last 256k block gone"


def test_columns_that_do_not_fit_go_one_after_the_other():
    headings = [page(width=width)[2].split() for width in (80, 66, 54, 40)]
    assert "DAY" in headings[0] and "DAY" not in headings[1]
    assert "LAST" not in headings[2] and "FAILS" in headings[2]
    assert headings[3][:2] == ["BOARD", "NEED"]
    assert max(map(len, page(width=40))) <= 40


def test_what_does_not_fit_is_counted_and_the_cursor_is_shown():
    many = Fleet(tuple(replace(BOARDS[0], name=f"b{number:04}") for number in range(1000)))
    lines = page(many, View(selected="b0500"))
    assert any(line.startswith("✓ ▸ b0500") for line in lines)
    assert lines[-1].strip().startswith("…") and lines[-1].endswith("row 501/1000")
    assert page(many, View(selected="b0999"))[-1].split() == ["…", "980", "more", "above", "(PgUp)", "row", "1000/1000"]


def test_a_failing_board_that_is_silent_shows_its_need():
    lost = replace(BOARDS[1], note="link down for 3h", age_s=10_800.0)
    assert "since 12m" in page(Fleet((lost,)))[3]


def test_links_and_a_dead_collector_stand_below():
    fleet = replace(
        FLEET, unheard=tuple(f"tcp://b:{number}: no board heard" for number in range(5)), problem="NO COLLECTOR"
    )
    lines = page(fleet)
    assert lines[-6:] == [
        "link tcp://b:0: no board heard", "link tcp://b:1: no board heard", "link tcp://b:2: no board heard",
        "and 2 links more without a board", FLEET.news[0], "NO COLLECTOR",
    ]  # fmt: skip


def test_an_empty_fleet_and_a_filter_without_a_match_are_said():
    assert page(Fleet())[3] == "no data from any board yet"
    assert page(view=View(filter="zz"))[3] == "no board has 'zz' in its name or its needs; Esc shows all"


def test_a_board_in_depth():
    lines = board()
    assert lines[0] == "shop-07  Linux 2.6.30, no MMU, up 7d  data 2s old ● telnet://10.0.0.7:… [1/4 ◂▸]"
    assert lines[1] == "✖ httpd  256k  0 blocks left   for 12m: FAILS: the largest usable block is 64 kB"
    assert lines[2] == "! rm      64k  1 block left    LAST ONE; tight; refused in about 6 h (3 to 11 h…"
    assert lines[3].startswith("  alert: critical, refused for 12m")
    assert lines[4] == "free 3284 kB"
    assert "httpd: usable 256k blocks since boot" in lines[5]
    assert any(line.startswith(" 256k ") for line in lines)
    assert [line for line in lines if "14:04" in line or "lost 15" in line or "DO plan" in line]
    assert lines[-1].startswith("h history")


def test_a_forecast_is_drawn_behind_now():
    lines = board(replace(FLEET, boards=(replace(BOARDS[2], name="shop-07"),)), height=40)
    chart = [line for line in lines if "┊" in line]
    assert len(chart) >= 6 and any("·" in line.partition("┊")[2] for line in chart)
    assert any(line.split()[-2:] == ["in", "13h"] for line in lines)


@pytest.mark.parametrize("height", [10, 16, 24, 40, 60])
def test_a_board_fills_any_height_and_keeps_its_needs(height):
    lines = board(height=height)
    assert len(lines) == height and "httpd" in lines[1] and lines[-1].startswith("h history")


def test_crumbs_are_grey_and_none_left_is_red():
    coloured = board_lines(FLEET, View(page=BOARD, selected="shop-07"), DEPTH, 80, 40, Style())
    rows = {line[0][0].strip(): line for line in coloured if line and line[0][0].strip() in ("4k", "256k", "512k")}
    assert rows["4k"][1][1] == "2"
    gone = replace(DEPTH, heat=tuple(tuple(0.0 for _ in row) for row in HEAT))
    coloured = board_lines(FLEET, View(page=BOARD, selected="shop-07"), gone, 80, 40, Style())
    assert next(line for line in coloured if line and line[0][0].strip() == "256k")[1][1] == RED


def test_what_is_not_known_is_said():
    lines = board(Fleet((BoardLine("new", SILENT),)), None, name="new")
    assert "memory unknown: no snapshot yet" in lines
    assert "course of the needs: unknown, too little was received since the boot" in lines
    assert "free blocks by size over time: unknown yet" in lines
    assert board(Fleet(), None, name="gone") == ["this board is gone; Esc leads back"]


def test_text_is_scrolled():
    view = View(title="xp: log", text=tuple(f"line {number}" for number in range(50)), scroll=7)
    lines = [painted(line, 60, PLAIN) for line in text_lines(view, 60, 10, PLAIN)]
    assert len(lines) == 10 and lines[1] == "line 7" and lines[8] == "line 14"
    assert lines[0].startswith("xp: log") and lines[0].endswith("8-15 of 50")


def test_text_of_a_board_cannot_steer_the_terminal():
    evil = "\x1b[2J\x9b31m\r\n\u202ex"
    need = replace(RM, name=evil)
    line = BoardLine(evil, SOON, (need,), 1, 1.0, alerts=(replace(ALERT, words="x"),))
    fleet = Fleet((line, replace(line, name="n", urgency=SILENT, note=evil)), "t", "", (evil,), (evil,), evil)
    depth = replace(
        DEPTH,
        name=evil,
        kernel=evil,
        memory=evil,
        events=(evil,),
        facts=(evil,),
        advice=(evil,),
        owners=(evil,),
        links=((evil, True),),
    )
    text = View(title=evil, text=(evil,))
    for lines in (
        page(fleet, width=200),
        board(fleet, depth, 200, 60, name=evil),
        [painted(one, 99, PLAIN) for one in text_lines(text, 99, 9, PLAIN)],
    ):
        assert all(line.isprintable() for line in lines)


def test_ascii_style_gives_ascii_only():
    for lines in (page(style=ASCII), board(style=ASCII, height=40)):
        assert all(line.isascii() for line in lines), [line for line in lines if not line.isascii()]


@pytest.mark.parametrize("colours", [16, 256])
def test_colour_says_nothing_that_words_do_not(colours):
    style = Style(colours=colours)
    for draw in (page, board):
        coloured = Terminal(rows=24)
        for row, line in enumerate(draw(style=style)):
            coloured.feed(f"\x1b[{row + 1};1H{line}")
        assert coloured.lines() == draw()
        assert style.sgr(RED) in coloured.styles
    assert style.sgr(CYAN) == ("36" if colours == 16 else "38;5;31")


TEXT = st.text(max_size=40)
TIMES = st.none() | st.floats(0, 1e9)
FORECASTS = st.builds(Forecast, st.sampled_from(["falling", "level", "rising", "unknown"]), TIMES, TIMES, TIMES)
COURSES = st.lists(st.tuples(st.floats(0, 1e7), st.floats(-1, 1e6)), max_size=9)
NEEDS = st.builds(
    NeedLine, TEXT, st.none() | st.integers(0, 1 << 40), st.sampled_from([None, "ok", "tight", "refused"]),
    st.none() | st.integers(0, 10**7), FORECASTS, COURSES.map(lambda points: tuple(sorted(points, reverse=True))),
    st.none() | st.floats(-1e6, 1e6), TIMES,
)  # fmt: skip
LINES = st.builds(
    BoardLine, TEXT, st.integers(0, 4), st.lists(NEEDS, max_size=6).map(tuple), st.none() | st.integers(0, 1 << 40),
    st.none() | st.floats(0, 1e9), TEXT, st.lists(st.just(ALERT), max_size=3).map(tuple),
)  # fmt: skip


@given(
    st.lists(LINES, max_size=8), st.lists(TEXT, max_size=3).map(tuple), st.integers(1, 200), st.integers(1, 60),
    st.builds(Style, st.booleans(), st.booleans(), st.sampled_from([16, 256])),
)  # fmt: skip
def test_every_page_fits_any_terminal(boards, texts, width, height, style):
    fleet = Fleet(tuple(boards), "03:07:12", "mail ok", texts, texts, "")
    name = boards[0].name if boards else ""
    view = View(page=BOARD, selected=name)
    depth = replace(DEPTH, name=name)
    for lines in (
        fleet_lines(fleet, view, width, height, style),
        board_lines(fleet, view, depth, width, height, style),
    ):
        terminal = Terminal(columns=width, rows=height)
        for row, line in enumerate(lines[:height]):
            terminal.feed(f"\x1b[{row + 1};1H{painted(line, width, style)}")
