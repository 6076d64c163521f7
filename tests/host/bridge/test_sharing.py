"""What one of two collectors leaves to the other. The engine is played by what it would answer."""

import math

import pytest
from buddywatch.bridge.pair import SLACK_S, Sharing
from buddywatch.bridge.samples import Frames, Item, Sample, Series
from buddywatch.bridge.series import UPTIME
from buddywatch.config.bridges import Pair

NOW, AFTER_S = 1_700_000_000.0, 120


class Answers:
    def __init__(self, seen=None, known=()):
        self.seen, self.known, self.asked = seen, dict(known), []

    def first_seen(self):
        return self.seen

    def uptimes(self, boards, since, until):
        self.asked.append((boards, since, until))
        return self.known


def sharing(role="spare", seen=None, known=(), begun=0.0):
    return Sharing(Pair(role, AFTER_S), Answers(seen, known), begun)


def item(uptime_s, time, board="xp", key=1, seq=5):
    labels = (("board", board), ("site", "roof"))
    samples = [Sample(Series(name, labels), uptime_s, round(1000 * time)) for name in ("buddywatch_x", UPTIME)]
    return Item("snapshot", samples, Frames(key, seq, seq))


@pytest.mark.parametrize(
    ("seen", "is_left", "until"),
    [
        (None, False, NOW - AFTER_S),
        (NOW - AFTER_S - 1, False, NOW - AFTER_S),
        (NOW - AFTER_S, True, NOW - 2 * AFTER_S),
        (NOW, True, NOW - 2 * AFTER_S),
    ],
)
def test_a_spare_waits_longer_while_the_first_one_lives(seen, is_left, until):
    spare = sharing(seen=seen)
    assert (spare.look(NOW), spare.until(NOW)) == (is_left, until)


def test_the_first_one_leaves_nothing_and_waits_only_when_it_comes_back():
    first = sharing("first", seen=NOW, begun=NOW)
    assert (first.look(NOW), first.until(NOW), first.until(NOW + AFTER_S / 2 - 1)) == (False, -math.inf, -math.inf)
    assert first.until(NOW + AFTER_S / 2) == math.inf == sharing("first").until(NOW)


@pytest.mark.parametrize(
    ("known", "is_there"),
    [
        ([], False),
        ([(7000, round(1000 * NOW))], True),
        ([(6990, round(1000 * NOW)), (7000, round(1000 * (NOW + SLACK_S))), (7010, 0)], True),
        ([(7000, round(1000 * (NOW - SLACK_S)) - 1)], False),
        ([(7000, 0), (7000, round(1000 * NOW))], True),
        ([(7001, round(1000 * NOW))], False),
    ],
)
def test_what_the_engine_has_is_left_out_with_all_its_samples(known, is_there):
    one = item(7.0, NOW)
    spare = sharing(known={"xp": known})
    (found,) = spare.without_known([one], lambda frames: False)
    assert (len(found.samples), found.frames) == (0 if is_there else 2, one.frames)
    assert spare._engine.asked == [({"xp"}, NOW - SLACK_S, NOW + SLACK_S)]


def test_what_this_collector_has_pushed_itself_is_pushed_again():
    one = item(7.0, NOW)
    spare = sharing(known={"xp": [(7000, round(1000 * NOW))]})
    assert spare.without_known([one], lambda frames: frames == one.frames) == [one]


def test_without_snapshots_nothing_is_asked():
    spare, events = sharing(), [Item("event", [Sample(Series("buddywatch_x", ()), 1, 1)])]
    assert spare.without_known(events, lambda frames: False) == events and spare._engine.asked == []
