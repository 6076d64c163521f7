"""What keys do, without a terminal."""

from dataclasses import replace

import pytest
from buddywatch.model.forecasts import Forecast
from buddywatch.terminal.keys import HELP, press, question
from buddywatch.terminal.view import (
    BLOCKS_LEFT,
    BOARD,
    BY_NAME,
    FAILS,
    FINE,
    FLEET,
    LAST_SEEN,
    SILENT,
    SOON,
    TEXT,
    TIME_LEFT,
    Action,
    BoardLine,
    Fleet,
    NeedLine,
    View,
    shown_boards,
)
from hypothesis import given
from hypothesis import strategies as st

ROWS = 3


def need(verdict="ok", left=5, in_s=None, failing_s=None, name="rm"):
    return NeedLine(name, 65536, verdict, left, Forecast("falling", in_s), failing_s=failing_s)


FLEET_OF = Fleet(
    (
        BoardLine("alpha", FINE, (need(left=9),), age_s=1.0),
        BoardLine("bravo", FAILS, (need("refused", 0, failing_s=60.0),), age_s=2.0),
        BoardLine("charlie", SOON, (need(left=1, in_s=3600.0),), age_s=3.0),
        BoardLine("delta", SILENT, age_s=900.0, note="connection refused"),
        BoardLine("echo", FINE, (need(left=4, in_s=900_000.0, name="httpd"),), age_s=None),
    )
)


def names(view):
    return [board.name for board in shown_boards(FLEET_OF, view)]


def pressed(*keys, view=None):
    """(the view after these keys, the last action)."""
    view, action = view or View(), None
    for key in keys:
        view, action = press(key, view, FLEET_OF, ROWS)
    return view, action


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (TIME_LEFT, ["bravo", "charlie", "delta", "echo", "alpha"]),
        (BLOCKS_LEFT, ["bravo", "charlie", "echo", "alpha", "delta"]),
        (BY_NAME, ["alpha", "bravo", "charlie", "delta", "echo"]),
        (LAST_SEEN, ["echo", "delta", "charlie", "bravo", "alpha"]),
    ],
)
def test_orders(order, expected):
    assert names(View(order=order)) == expected


def test_s_goes_through_the_orders():
    assert [pressed(*"s" * count)[0].order for count in range(5)] == [
        TIME_LEFT, BLOCKS_LEFT, BY_NAME, LAST_SEEN, TIME_LEFT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["j"], "charlie"),
        (["down", "down", "k"], "charlie"),
        (["page-down"], "echo"),
        (["end"], "alpha"),
        (["end", "home"], "bravo"),
        (["end", "j"], "alpha"),
        (["k"], "bravo"),
    ],
)
def test_the_cursor_moves_and_stays_within(keys, selected):
    assert pressed(*keys)[0].selected == selected


def test_the_cursor_stays_on_its_board_when_the_order_changes():
    view, _ = pressed("j", "s", "s")
    assert view.selected == "charlie"
    assert pressed("j", view=view)[0].selected == "delta"


def test_filter_is_typed_kept_and_left():
    view, _ = pressed("/", *"htt")
    assert view.typing and names(view) == ["echo"]
    assert names(pressed("backspace", "backspace", "backspace", "a", view=view)[0]) == names(View(filter="a"))
    kept, _ = pressed("enter", view=view)
    assert not kept.typing and kept.filter == "htt"
    assert names(pressed("escape", view=kept)[0]) == names(View())
    assert pressed("escape", view=view)[0].filter == ""


def test_a_filter_without_a_match_leaves_no_board_to_act_on():
    view, _ = pressed("/", *"zzz", "enter")
    for key in ("enter", "m", "e", "j", "c"):
        assert pressed(key, view=view) == (view, None)


def test_a_board_is_opened_left_and_walked_through():
    view, _ = pressed("enter")
    assert (view.page, view.selected) == (BOARD, "bravo")
    assert pressed("right", view=view)[0].selected == "charlie"
    assert pressed("left", view=view)[0].selected == "bravo"
    for key in ("q", "escape"):
        assert pressed(key, view=view)[0].page == FLEET


@pytest.mark.parametrize(
    ("key", "what"), [("a", "alerts"), ("e", "explain"), ("h", "history"), ("l", "log"), ("c", "console")]
)
@pytest.mark.parametrize("page", [FLEET, BOARD])
def test_keys_that_ask_for_more(key, what, page):
    view = View(page=page, selected="charlie")
    assert pressed(key, view=view) == (view, Action(what, "charlie"))


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        ("m2", Action("mute", "bravo", 2.0)),
        ("md", Action("mute", "bravo", 24.0)),
        ("mx", None),
        ("xy", Action("known", "bravo")),
        ("xn", None),
    ],
)
def test_mutes_are_asked_for_twice(keys, action):
    view, _ = pressed(keys[0])
    assert "bravo" in question(view)
    view, found = pressed(keys[1], view=view)
    assert found == action and question(view) == ""


def test_q_ends_a_view_at_once_and_a_collector_after_a_question():
    assert pressed("q")[1] == Action("quit")
    view, action = pressed("q", view=View(ends="the collector"))
    assert action is None and question(view) == "q once more ends the collector, Esc: no"
    assert pressed("q", view=view)[1] == Action("quit")
    assert pressed("escape", view=view) == (View(ends="the collector"), None)


def test_help_scrolls_and_leads_back():
    view, _ = pressed("enter", "?")
    assert view.page == TEXT and view.text == HELP
    assert pressed("j", "j", "k", view=view)[0].scroll == 1
    assert pressed("end", view=view)[0].scroll == len(HELP) - ROWS
    assert pressed("page-up", view=view)[0].scroll == 0
    assert pressed("escape", view=view)[0].page == BOARD


def test_help_names_every_key():
    for key in "jkqshealcmxr?/":
        assert any(f" {key} " in f" {line.replace(',', ' ')} " for line in HELP), key


KEYS = st.sampled_from([*"jkqsmxhealc/?12ydng G", "up", "down", "page-up", "end", "home", "enter", "escape", "right"])


@given(st.lists(KEYS, max_size=30), st.integers(0, 5), st.integers(1, 9))
def test_any_keys_on_any_fleet_are_no_error(keys, count, rows):
    fleet = replace(FLEET_OF, boards=FLEET_OF.boards[:count])
    view = View()
    for key in keys:
        view, _ = press(key, view, fleet, rows)
        question(view)
        assert view.scroll >= 0 and view.page in (FLEET, BOARD, TEXT)
