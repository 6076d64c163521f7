import pytest
from buddyd import wire
from buddywatch.protocol.board_tracker import Request
from buddywatch.protocol.refetch import (
    FRAMES_FIRST,
    FRAMES_MAX,
    FRAMES_MIN,
    PATIENCE_MAX_S,
    PATIENCE_MIN_S,
    PATIENCE_S,
    Requests,
    Retry,
    request_line,
)
from hypothesis import given
from hypothesis import strategies as st

BOOT = "0123abcd"


class Holes:
    """A set of missing frames; the first of them, up to one that is not missing, are asked for."""

    def __init__(self, *missing):
        self.missing = set(missing)
        self.holes_seen = 0

    def next_request(self, frames_max):
        if not self.missing:
            return None
        first = end = min(self.missing)
        while end in self.missing and end < first + frames_max:
            end += 1
        return Request(BOOT, first, end - first)

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
    assert requests.poll(holes, ["serial"], 0.4) is None
    holes.missing.remove(5)
    assert requests.poll(holes, ["serial"], 0.5) is None
    assert requests.due == 0.5 + PATIENCE_S
    holes.missing.remove(6)
    assert requests.poll(holes, ["serial"], 0.6) == ("serial", Request(BOOT, 100, 1))
    holes.missing.remove(100)
    assert requests.poll(holes, ["serial"], 0.7) is None
    assert requests.due is None


def test_what_was_lost_before_the_last_is_asked_for_at_once():
    """Frames come in order, so that nothing of them is under way any more."""
    requests, holes = Requests(), Holes(*range(5, 15))
    assert requests.poll(holes, ["serial"], 0.0) == ("serial", Request(BOOT, 5, 10))
    holes.missing = {7, 8, 14}
    assert requests.poll(holes, ["serial"], 0.1) is None
    holes.missing = {7, 8}
    assert requests.poll(holes, ["serial"], 0.2) == ("serial", Request(BOOT, 7, 2))
    holes.missing = {7}
    assert requests.poll(holes, ["serial"], 0.3) == ("serial", Request(BOOT, 7, 1))
    assert requests.poll(holes, ["serial"], 0.4) is None


def test_frames_that_a_request_did_not_bring_are_counted_for_its_link():
    counted = []
    requests, holes = Requests(lambda link, frames: counted.append((link, frames))), Holes(*range(5, 15))
    requests.poll(holes, ["serial"], 0.0)
    holes.missing = {7, 8}
    requests.poll(holes, ["serial"], 0.1)  # the last one came: 7 and 8 were lost on the way
    assert counted == [("serial", 2)]
    requests.poll(holes, ["serial"], 0.2)
    assert counted == [("serial", 2)]  # still under way
    requests.poll(holes, ["serial", "telnet"], 0.2 + PATIENCE_MAX_S)  # late
    assert counted == [("serial", 2), ("serial", 2)]
    holes.missing = set()
    requests.poll(holes, ["serial", "telnet"], 0.3 + PATIENCE_MAX_S)
    assert counted == [("serial", 2), ("serial", 2)]


@pytest.mark.parametrize("answer_s", [0.001, 0.1, 1.0, 3.0])
def test_patience_becomes_that_of_the_line(answer_s):
    """A request that is lost on a quick line is missed soon, and a slow one is not asked twice."""
    requests, holes, now = Requests(), Holes(), 0.0
    for number in range(1, 20):
        holes.missing = {number}
        assert requests.poll(holes, ["serial"], now)
        now += answer_s
        holes.missing = set()
        assert requests.poll(holes, ["serial"], now) is None
    holes.missing = {99}
    assert requests.poll(holes, ["serial"], now)
    assert requests.due - now == pytest.approx(max(4 * answer_s, PATIENCE_MIN_S), rel=0.01)


def test_an_answer_to_the_second_request_tells_nothing_of_the_line():
    requests, holes = Requests(), Holes(5)
    assert requests.poll(holes, ["serial"], 0.0)
    assert requests.poll(holes, ["serial"], 2.0)
    holes.missing = {6}
    assert requests.poll(holes, ["serial"], 2.001)
    assert requests.due == 2.001 + PATIENCE_S


@pytest.mark.parametrize(
    ("answer_s", "expected"), [(0.01, FRAMES_MAX), (0.5, 64), (2.0, FRAMES_FIRST), (100.0, FRAMES_MIN)]
)
def test_requests_are_as_large_as_is_answered_in_a_second_or_so(answer_s, expected):
    """answer_s: for 32 frames."""
    requests, holes, now = Requests(), Holes(*range(20_000)), 0.0
    for _ in range(15):
        _, request = requests.poll(holes, ["serial"], now)
        for frame in range(request.first, request.first + request.frames):
            now += answer_s / 32
            holes.missing.remove(frame)
            if frame < request.first + request.frames - 1:
                assert requests.poll(holes, ["serial"], now) is None
    assert request.frames == expected


def test_a_line_that_comes_back_is_asked_as_soon_as_a_new_one():
    requests, holes, now = Requests(), Holes(5), 0.0
    for _ in range(6):
        assert requests.poll(holes, ["serial"], now)
        now = requests.due
    holes.missing.add(20)
    holes.holes_seen += 1  # frames come, and one before them is missing
    assert requests.poll(holes, ["serial"], now)
    assert requests.due == now + PATIENCE_S


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
    assert requests.poll(holes, ["serial"], 9.0) == ("serial", Request(BOOT, 1, FRAMES_MIN))


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
            last = Request(BOOT, asked_for.first + asked_for.frames - 1, 1)
            assert before is None or now >= before or holes.missing_of(last) == 0
            asked_for = sent[1]
        if answered:
            holes.missing.discard(number)
        assert requests.due is None or requests.due <= now + PATIENCE_MAX_S
    for _ in range(400):
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
