"""Rows of numbers as rows of characters."""

import pytest
from buddywatch.pictures.bars import bars, spread
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("values", "unicode", "expected"),
    [
        pytest.param([80, 40, 10, 0, -5], True, "█▅▂▁_", id="falling"),
        pytest.param([80, 40, 10, 0, -5], False, "@+:._", id="ascii"),
        pytest.param([None, 3, None], True, " █ ", id="not-known"),
        pytest.param([0, 0], True, "▁▁", id="nothing"),
        pytest.param([], True, "", id="empty"),
    ],
)
def test_bars(values, unicode, expected):
    assert bars(values, unicode=unicode) == expected


def test_a_top_makes_rows_comparable():
    assert bars([8, 4], 16) == "▅▃"


def test_each_part_has_its_least_value_and_goes_on_until_the_next():
    points = [(80.0, 9), (75.0, 5), (41.0, 7), (0.0, 1)]
    assert spread(points, 100.0, 10) == [None, 9, 5, 5, 5, 7, 7, 7, 7, 1]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e6, 1e6)), max_size=20), st.integers(1, 60))
def test_every_row_has_its_columns(points, columns):
    found = spread(sorted(points, reverse=True), 3600.0, columns)
    assert len(found) == columns and len(bars(found)) == columns
    assert (found[-1] is None) is (not points)
