"""How much a value changed within a time, and how often something happened."""

import pytest
from buddywatch.alerts.windows import PARTS, Change, Count


def test_change_is_that_over_the_time_once_it_has_passed():
    change = Change(100)
    assert change.take(0, 50) == (0, False)
    assert change.take(60, 40) == (-10, False)
    assert change.take(99, 30) == (-20, False)
    assert change.take(100, 30) == (-20, True)
    assert change.take(160, 33) == (-7, True)
    assert change.take(260, 33) == (0, True)


def test_change_over_a_hole_is_that_since_the_last_value_before_it():
    change = Change(100)
    change.take(0, 50)
    assert change.take(5000, 20) == (-30, True)
    assert change.take(5050, 20) == (-30, True)
    assert change.take(5100, 20) == (0, True)


def test_change_keeps_few_points_and_is_right_to_a_part_of_the_time():
    change = Change(6400)
    for second in range(20_000):
        found, is_whole = change.take(second, second)
        assert is_whole == (second >= 6400)
        assert not is_whole or 6400 <= found <= 6400 * (1 + 2 / PARTS)
    assert len(change._points) <= PARTS + 2


def test_change_forgets_what_the_clock_took_back():
    change = Change(100)
    change.take(1000, 9)
    assert change.take(10, 5) == (0, False)
    assert change.take(110, 4) == (-1, True)


@pytest.mark.parametrize("since", [0, 950])
def test_count_is_whole_once_the_time_has_passed_since_the_beginning(since):
    count = Count(100, since)
    count.add(960, 2)
    count.add(990, 1)
    assert count.total(1000) == (3, since == 0)
    assert count.total(1060) == (1, True)
    assert count.total(1090) == (0, True)


def test_count_keeps_few_parts():
    count = Count(6400, 0)
    for second in range(10_000):
        count.add(second, 1)
    assert len(count._parts) <= 2 * PARTS
    found, _ = count.total(9999)
    assert 6400 * (1 - 1 / PARTS) <= found <= 6400 * (1 + 1 / PARTS)
    for second in (0, 9999) * 500:
        count.add(second, 1)
    assert len(count._parts) <= 2 * PARTS
