"""Two boards behind one name, as the frames of their boots come in."""

import pytest
from buddywatch.collect.twins import BOOTS_MAX, LAG_S, Split, Twins
from buddywatch.protocol.board_names import NAME_MAX
from hypothesis import given
from hypothesis import strategies as st


class Collector:
    """taken: names that belong to other boards."""

    def __init__(self, taken=(), stored=None):
        self.twins = Twins(lambda name, called: name not in taken)
        self.stored = stored or {}
        self.splits = []

    def name(self, link, boot, called="xport"):
        return self.twins.name_of(called, link, boot, lambda: self.stored.get(boot, called))

    def frame(self, link, boot, seq, now, called="xport"):
        self.name(link, boot, called)
        split = self.twins.heard(called, link, boot, seq, now)
        self.splits += [split] if split else []
        return self.name(link, boot, called)


def live(collector, until, boots=(("A", "a"), ("B", "b")), begin=0):
    for now in range(begin, begin + int(until)):
        for link, boot in boots:
            collector.frame(link, boot, now + 1, now)


def test_two_boots_that_go_on_over_two_links_are_two_boards():
    collector = Collector()
    live(collector, LAG_S)
    assert collector.splits == []
    live(collector, 2, begin=int(LAG_S))
    assert collector.splits == [Split("a", "A", "b", "B", "xport-2")]
    assert (collector.name("A", "a"), collector.name("B", "b")) == ("xport", "xport-2")
    live(collector, 10 * LAG_S, begin=int(LAG_S) + 2)
    assert len(collector.splits) == 1


def test_two_links_to_one_board_are_one_board():
    collector = Collector()
    live(collector, 10 * LAG_S, (("A", "a"), ("B", "a")))
    assert collector.splits == []


def test_a_link_that_lags_behind_a_reboot_is_one_board():
    collector = Collector()
    live(collector, 100, (("A", "a"), ("B", "a")))
    for now in range(100, 500):
        collector.frame("A", "b", now - 99, now)
        if now < 100 + LAG_S:
            collector.frame("B", "a", now + 1, now)  # made before the reboot, and never heard over A
        else:
            collector.frame("B", "b", now - 99, now)
    assert collector.splits == []


def test_frames_that_come_again_are_no_sign_of_life():
    collector = Collector()
    live(collector, 10, (("A", "a"),))
    for now in range(10, 500):
        collector.frame("B", "b", now, now)
        collector.frame("A", "a", now % 10, now)
    assert collector.splits == []


def test_one_link_over_which_both_are_heard_tells_nothing():
    collector = Collector()
    live(collector, 10 * LAG_S, (("A", "a"), ("A", "b")))
    assert collector.splits == []


def test_the_next_boot_over_the_link_is_the_same_board():
    collector = Collector()
    live(collector, 2 * LAG_S)
    assert collector.frame("B", "b2", 1, 500) == "xport-2"
    assert collector.frame("A", "a2", 1, 500) == "xport"
    live(collector, 10 * LAG_S, (("A", "a2"), ("B", "b2")), begin=500)
    assert len(collector.splits) == 1


def test_another_link_to_the_second_board_reaches_it_by_its_boot():
    collector = Collector()
    live(collector, 2 * LAG_S)
    assert collector.name("C", "b") == "xport-2"
    collector.twins.forget("B")
    assert collector.name("B", "b3") == "xport"


def test_a_third_board_gets_a_name_of_its_own():
    collector = Collector()
    live(collector, 4 * LAG_S, (("A", "a"), ("B", "b"), ("C", "c")))
    assert [collector.name(*one) for one in (("A", "a"), ("B", "b"), ("C", "c"))] == ["xport", "xport-2", "xport-3"]


def test_names_of_other_boards_are_not_used():
    collector = Collector(taken={"xport-2", "xport-3"})
    live(collector, 2 * LAG_S)
    assert collector.name("B", "b") == "xport-4"


def test_without_a_free_name_they_stay_together():
    collector = Collector(taken={f"xport-{number}" for number in range(200)})
    live(collector, 3 * LAG_S)
    assert (collector.splits, collector.name("B", "b")) == ([], "xport")


def test_what_the_store_says_of_a_boot_holds():
    collector = Collector(stored={"b": "xport-2"})
    live(collector, 10 * LAG_S, (("B", "b"), ("A", "a")))
    assert collector.splits == []
    assert (collector.name("B", "b"), collector.name("A", "a")) == ("xport-2", "xport")
    assert collector.name("B", "b2") == "xport-2"


@pytest.mark.parametrize("length", [1, NAME_MAX - 2, NAME_MAX - 1, NAME_MAX])
def test_names_are_no_longer_than_names_may_be(length):
    collector, called = Collector(), "x" * length
    for now in range(int(2 * LAG_S)):
        collector.frame("A", "a", now + 1, now, called)
        name = collector.frame("B", "b", now + 1, now, called)
    assert name.endswith("-2")
    assert len(name) == min(length + 2, NAME_MAX)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 20), st.integers(1, 1000), st.integers(0, 100))))
def test_nothing_grows_and_the_name_of_a_boot_holds_whatever_comes(frames):
    collector, now = Collector(), 0
    for link, boot, seq, passed in frames:
        now += passed
        collector.frame(link, str(boot), seq, now)
    assert all(len(boots) <= BOOTS_MAX for boots in collector.twins._speakers.values())
    for split in collector.splits:
        assert split.first_boot_id != split.later_boot_id
        assert split.first_link != split.later_link
