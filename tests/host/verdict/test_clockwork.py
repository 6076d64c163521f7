"""Starts that come like clockwork."""

import random

from buddywatch.verdict.clockwork import LEAST_STARTS, period_s


def test_starts_of_cron_have_a_period():
    assert period_s([60 * number for number in range(LEAST_STARTS)]) == 60
    assert period_s([100 + 300 * number + (number % 2) for number in range(20)]) in (299, 301)
    assert period_s([60 * number for number in range(LEAST_STARTS - 1)]) is None
    assert period_s([]) is None


def test_starts_that_were_not_seen_do_not_hide_the_period():
    assert period_s([60 * number for number in range(40) if number % 7 != 3]) == 60


def test_starts_at_random_have_none():
    chance = random.Random(1)
    for _ in range(50):
        starts = sorted(chance.uniform(0, 3600) for _ in range(40))
        assert period_s(starts) is None
    assert period_s([number % 3 for number in range(9)]) is None
    assert period_s([float(number) for number in range(30)]) is None
