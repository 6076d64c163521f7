"""A later boot with the id of the one before is told from lines that came twice."""

import pytest
from buddywatch.protocol.frame import Hello
from buddywatch.protocol.setback import Setback


def takes(*heard, boot_id="0000000a"):
    """heard: (uptime in s, when it came). Which hellos show a later boot."""
    setback = Setback()
    shown = [setback.take(Hello(boot_id, {"up": str(round(up * 100))}), at) for up, at in heard]
    return shown, setback.is_doubtful


def test_uptime_that_goes_on_from_a_lower_one_is_of_a_later_boot():
    assert takes((1000, 0), (5, 300), (7, 302)) == ([False, False, True], False)
    assert takes((1000, 0), (5, 300), (305, 600), (400, 695)) == ([False, False, True, False], False)
    assert takes((1000, 0), (5, 300), (7, 302), (3, 400), (5, 402)) == ([False, False, True, False, True], False)


def test_crystal_or_line_may_be_slow():
    assert takes((9000, 0), (5, 300), (325, 600)) == ([False, False, True], False)
    assert takes((9000, 0), (5, 300), (345, 600)) == ([False, False, False], True)


def test_each_hello_is_compared_with_the_one_before():
    """A line that came twice may lie between."""
    assert takes((9000, 0), (500, 1100), (5, 1110), (15, 1120)) == ([False, False, False, True], False)


def test_one_lower_uptime_is_doubtful():
    assert takes((1000, 0), (5, 300)) == ([False, False], True)
    assert takes((1000, 0), (998.9, 300)) == ([False, False], True)
    assert takes((1000, 0), (999.0, 300)) == ([False, False], True)
    assert takes((1000, 0), (999.01, 300)) == ([False, False], False)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param([(500, 1100), (560, 1100.2)], id="in-a-moment"),
        pytest.param([(500, 1100), (500.5, 1100.5)], id="made-in-a-moment-too"),
        pytest.param([(500, 1100), (560, 1110)], id="faster-than-time"),
        pytest.param([(500, 1100), (500, 1160)], id="the-same-line"),
        pytest.param([(500, 1100), (400, 1160)], id="falling"),
    ],
)
def test_lines_that_came_twice_are_of_the_same_boot(again):
    shown, is_doubtful = takes((400, 0), (500, 100), (560, 160), (1000, 600), *again, (1700, 1300))
    assert shown == [False] * 7
    assert not is_doubtful


def test_highest_uptime_counts():
    assert takes((1000, 0), (999.5, 1), (999.2, 2), (998.8, 3)) == ([False] * 4, True)


def test_another_id_is_another_boot_anyway():
    setback = Setback()
    for boot_id, up in (("0000000a", "100000"), ("0000000b", "500"), ("0000000b", "900")):
        assert not setback.take(Hello(boot_id, {"up": up}), 10.0)
        assert not setback.is_doubtful


def test_line_without_an_uptime_says_nothing():
    setback = Setback()
    setback.take(Hello("0000000a", {"up": "100000"}), 0.0)
    assert not setback.take(Hello("0000000a", {"name": "x"}), 1.0)
    assert not setback.take(Hello("0000000a", {"up": "x"}), 1.0)
    assert not setback.is_doubtful
