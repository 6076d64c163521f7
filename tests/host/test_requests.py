import pytest
from buddyd import wire
from buddywatch.requests import PATIENCE_MAX_S, PATIENCE_S, Requests, Retry, request_line
from buddywatch.tracker import Request
from hypothesis import given
from hypothesis import strategies as st

BOOT = "0123abcd"


class Holes:
    """A set of missing frames; whatever there is of the first 32 is asked for."""

    def __init__(self, *missing):
        self.missing = set(missing)

    def next_request(self):
        if not self.missing:
            return None
        first = min(self.missing)
        return Request(BOOT, first, len(self.missing & set(range(first, first + 32))))

    def missing_of(self, request):
        return len(self.missing & set(range(request.first, request.first + request.frames)))


def test_nothing_is_asked_when_nothing_is_missing():
    requests = Requests()
    assert requests.poll(Holes(), ["serial"], 0.0) is None
    assert requests.due is None


def test_one_request_is_outstanding():
    requests, holes = Requests(), Holes(5, 6, 100)
    assert requests.poll(holes, ["serial"], 0.0) == ("serial", Request(BOOT, 5, 2))
    assert requests.due == PATIENCE_S
    assert requests.poll(holes, ["serial"], 1.0) is None
    holes.missing.remove(5)
    assert requests.poll(holes, ["serial"], 1.5) is None
    assert requests.due == 1.5 + PATIENCE_S
    holes.missing.remove(6)
    assert requests.poll(holes, ["serial"], 1.6) == ("serial", Request(BOOT, 100, 1))
    holes.missing.remove(100)
    assert requests.poll(holes, ["serial"], 1.7) is None
    assert requests.due is None


def test_what_is_not_answered_is_asked_ever_more_rarely():
    requests, holes, now, waits = Requests(), Holes(5), 0.0, []
    assert requests.poll(holes, ["serial"], now)
    for _ in range(7):
        waits.append(requests.due - now)
        assert requests.poll(holes, ["serial"], requests.due - 0.01) is None
        now = requests.due
        assert requests.poll(holes, ["serial"], now) == ("serial", Request(BOOT, 5, 1))
    assert waits == [2, 4, 8, 16, 30, 30, 30]


def test_progress_makes_it_patient_again():
    requests, holes = Requests(), Holes(*range(10))
    for now in (0.0, 2.0, 6.0):
        assert requests.poll(holes, ["serial"], now)
    holes.missing.remove(0)
    assert requests.poll(holes, ["serial"], 7.0) is None
    assert requests.due == 7.0 + PATIENCE_S
    assert requests.poll(holes, ["serial"], 9.0) == ("serial", Request(BOOT, 1, 9))


def test_what_is_not_answered_is_asked_over_the_other_link():
    requests, holes, links = Requests(), Holes(5, 6, 7), ["tcp", "serial"]
    assert requests.poll(holes, links, 0.0)[0] == "tcp"
    assert requests.poll(holes, links, 2.0)[0] == "serial"
    holes.missing = {7}
    assert requests.poll(holes, links, 2.5) is None
    holes.missing = {9}
    assert requests.poll(holes, links, 2.6)[0] == "serial"  # which has answered
    assert requests.poll(holes, links, 4.6)[0] == "tcp"


def test_a_link_that_is_gone_is_not_waited_for():
    requests, holes = Requests(), Holes(5)
    assert requests.poll(holes, ["tcp", "serial"], 0.0)[0] == "tcp"
    assert requests.poll(holes, ["serial"], 0.1) == ("serial", Request(BOOT, 5, 1))
    assert requests.poll(holes, [], 0.2) is None
    assert requests.due is None
    assert requests.poll(holes, ["tcp"], 0.3) == ("tcp", Request(BOOT, 5, 1))


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 99), st.booleans()), max_size=60))
def test_a_board_is_asked_until_nothing_is_missing_and_never_hurried(steps):
    requests, holes, now, asked_for = Requests(), Holes(*range(100)), 0.0, Request(BOOT, 0, 0)
    for pause_s, number, answered in steps:
        now += pause_s
        before = requests.due
        sent = requests.poll(holes, ["a", "b"], now)
        if sent is not None:
            assert before is None or now >= before or holes.missing_of(asked_for) == 0
            asked_for = sent[1]
        if answered:
            holes.missing.discard(number)
        assert requests.due is None or requests.due <= now + PATIENCE_MAX_S
    for _ in range(200):
        now = max(now, requests.due or now)
        sent = requests.poll(holes, ["a"], now)
        if sent is not None:
            holes.missing -= set(range(sent[1].first, sent[1].first + sent[1].frames))
    assert not holes.missing


def test_retry_waits_twice_as_long_each_time_until_it_is_done():
    retry = Retry()
    assert not retry.is_late(1e9)
    retry.sent(0.0)
    retry.sent(10.0)
    assert retry.due == 14.0
    assert (retry.is_late(13.9), retry.is_late(14.0)) == (False, True)
    retry.done()
    assert retry.due is None
    retry.sent(20.0)
    assert retry.due == 22.0


@pytest.mark.parametrize("first", [1, 10**9])
def test_request_line_is_short_and_says_what_is_wanted(first):
    line = request_line(Request(BOOT, first, 32))
    assert len(line) <= wire.ASK_MAX
    assert wire.parse_numbers(wire.unseal(line[:-1])) == (BOOT, first, 32)
