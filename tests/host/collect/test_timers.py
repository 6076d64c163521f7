"""Whose time has come, and what a look costs."""

from math import inf

from buddywatch.collect.timers import Timers
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([1.0, 2.0, 3.0, inf])), max_size=30))
def test_each_is_due_at_the_time_that_was_set_last(settings):
    timers, last = Timers(), {}
    for who, due_s in settings:
        timers.set(who, due_s)
        last[who] = due_s
    assert timers.next_s() <= min(last.values(), default=inf)
    assert sorted(timers.due(2.0)) == sorted(who for who, due_s in last.items() if due_s <= 2.0)
    assert sorted(timers.due(10.0)) == sorted(who for who, due_s in last.items() if due_s == 3.0)
    assert timers.next_s() == inf


def test_who_is_due_again_at_once_waits_for_the_next_look():
    timers = Timers()
    timers.set("a", 1.0)
    for who in timers.due(1.0):
        timers.set(who, 1.0)
    assert list(timers.due(1.0)) == ["a"]


def test_a_look_costs_nothing_for_those_whose_time_has_not_come():
    """1,000 that wait cost no more comparisons than one."""

    class Name(str):
        looked = 0

        def __hash__(self):
            Name.looked += 1
            return super().__hash__()

        __eq__ = str.__eq__

    counts = []
    for many in (1, 1000):
        timers = Timers()
        for number in range(many):
            timers.set(Name(number), 100.0)
        Name.looked = 0
        for _ in range(50):
            assert list(timers.due(1.0)) == []
        counts.append(Name.looked)
    assert counts[1] <= counts[0]


def test_what_was_set_many_times_does_not_pile_up():
    timers = Timers()
    for number in range(1000):
        timers.set("a", float(number))
        timers.next_s()
    assert len(timers._heap) <= 2


def test_a_due_time_that_moves_on_costs_nothing_until_the_first_one_has_come():
    timers = Timers()
    for number in range(1000):
        timers.set("a", 10.0 + number)
        assert (len(timers._heap), timers.next_s()) == (1, 10.0)
    assert list(timers.due(20.0)) == []
    assert timers.next_s() == 1009.0
    assert list(timers.due(1009.0)) == ["a"]
