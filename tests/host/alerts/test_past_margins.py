"""The forecast of a need that is added later begins with all that is stored of the past."""

from dataclasses import replace
from time import time as now

import pytest
from boards import BOOT_ID, RM, boot, config, snapshot
from buddywatch.alerts.past_margins import with_past_margins
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.config.sections import Need
from buddywatch.verdict.margin_history import MarginHistory
from feeder import Feeder

LATER = Need("httpd", 122_880)
POLLS = 1500


def falling(seq, boot_id=BOOT_ID):
    """A board that loses a block of 256 kB every so many snapshots."""
    return snapshot(seq, (200, 0, 0, 0, 0, 0, max(0, 200 - seq // 8), 0, 0, 0, 0), boot_id)


def watched(store, *needs):
    """A board that a collector has watched with these needs until it was stopped."""
    feeder = Feeder(store, replace(config(tight="off"), needs=needs))
    feeder.feed(boot())
    feeder.feed(*map(falling, range(1, POLLS)))
    feeder.settle()
    while store.pack_for(0):
        pass
    return feeder


def of_need(store, settings, need=LATER):
    history = with_past_margins(store, settings, "xp", store.rules_history("xp"))
    return next((record for record in history.margins if record.need == need.name), None), history


def test_the_past_of_a_new_need_is_that_of_one_that_was_always_there(store):
    watched(store, RM)
    settings = replace(config(tight="off"), needs=(RM, LATER))
    record, history = of_need(store, settings)
    past = MarginHistory.load(record.text)
    margins = [pages for scale in range(past.whole_scale() + 1) for _, pages in past.buckets(scale)]
    first, last = falling(1), falling(POLLS - 1)
    assert max(margins) > min(margins) and past.end_s >= last.uptime_ms / 1000 - 900
    assert past.lowest_before(first.uptime_ms / 1000 + 1800) > past.lowest_before(last.uptime_ms / 1000)
    assert {one.need for one in history.margins} == {"rm", "httpd"}
    assert [one for one in history.margins if one.need == "rm"] == list(store.rules_history("xp").margins)


def test_its_forecast_is_made_at_once(store):
    watched(store, RM)
    settings = replace(config(tight="off"), needs=(RM, LATER))
    boards = Boards(store, settings, lambda line: None, lambda name: False)
    board = boards._open("xp", Now(now(), 0.0))
    forecasts = board.rules._forecasts._forecasts
    assert forecasts._records.keys() | forecasts._histories.keys() == {"rm", "httpd"}
    (history,) = [forecasts._histories.get("httpd") or MarginHistory.load(forecasts._records["httpd"].text)]
    assert history.lowest_before(falling(900).uptime_ms / 1000) is not None


def test_a_need_of_another_size_begins_with_the_past_of_its_own_size(store):
    watched(store, RM)
    larger = replace(RM, bytes=122_880)
    record, history = of_need(store, replace(config(tight="off"), needs=(larger,)), larger)
    assert record.basis.startswith("122880 ") and len(history.margins) == 1


@pytest.mark.parametrize("needs", [(RM,), ()])
def test_what_is_recorded_is_read_no_more(store, needs):
    watched(store, RM)
    history = store.rules_history("xp")
    assert with_past_margins(store, replace(config(), needs=needs), "xp", history) is history


def test_what_is_not_judged_yet_is_not_the_past(store):
    watched(store, RM)
    with store.batch():
        store.add_snapshots("xp", map(falling, range(POLLS, 2 * POLLS)))
    record, _ = of_need(store, replace(config(tight="off"), needs=(LATER,)))
    assert MarginHistory.load(record.text).end_s <= falling(POLLS).uptime_ms / 1000


def test_a_board_without_a_past_has_none(store):
    store.add_boot("xp", boot())
    history = store.rules_history("xp")
    assert with_past_margins(store, replace(config(), needs=(LATER,)), "xp", history) is history
