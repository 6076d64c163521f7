"""What can wait is written rarely; what somebody waits for, or what cannot be had again, is written at once."""

from buddywatch.collect.holding import EVERY_S, FRAMES_MAX, QUICK_BOARDS, QUICK_S, Holding


def times(holding, begin_s, end_s, frames=1, boards=1, is_followed=False):
    """The seconds at which everything is written."""
    return [second for second in range(begin_s, end_s) if holding.is_due(second, frames, boards, is_followed)]


def test_writes_are_rare_once_it_has_run_for_a_while():
    holding = Holding(None, 0.0)
    assert times(holding, 0, 300) == [*range(int(QUICK_S))]
    assert times(holding, 301, 700) == [299 + int(EVERY_S) * number for number in (1, 2, 3)]


def test_many_boards_are_written_more_rarely_from_the_start():
    assert times(Holding(None, 0.0), 0, 31, boards=10 * QUICK_BOARDS) == [0, 10, 20, 30]
    assert times(Holding(None, 0.0), 0, 3, boards=10 * QUICK_BOARDS, is_followed=True) == [0, 1, 2]


def test_a_configured_time_holds_from_the_start():
    assert times(Holding(10, 0.0), 0, 35) == [0, 10, 20, 30]


def test_who_looks_at_it_or_waits_gets_it_at_once():
    holding = Holding(10, 0.0)
    assert times(holding, 0, 5) == [0]
    assert times(holding, 5, 8, is_followed=True) == [5, 6, 7]
    assert times(holding, 8, 12) == []
    holding.want()
    assert times(holding, 12, 15) == [12]


def test_many_frames_are_not_held_back():
    holding = Holding(60, 0.0)
    assert times(holding, 0, 5, FRAMES_MAX) == [0, 1, 2, 3, 4]
