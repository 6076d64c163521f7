"""Dates as people and programs write them."""

import math
import os
import time

import pytest
from buddywatch.recorded.dates import Dates
from hypothesis import given
from hypothesis import strategies as st

AT = 1_796_004_950.0  # 2026-11-30 02:15:50 UTC


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "after_s", "rest"),
    [
        ("Mon Nov 30 02:15:50 UTC 2026", 0, ""),
        ("Mon Nov 30 02:15:50 AM UTC 2026", 0, ""),
        ("Mon Nov 30 02:15:50 PM UTC 2026", 43_200, ""),
        ("Mon Nov 30 12:15:50 AM UTC 2026", -7200, ""),
        ("Mon 30 Nov 2026 02:15:50 AM UTC", 0, ""),
        ("Mon Nov 30 03:15:50 CET 2026", 0, ""),
        ("Mon Nov 30 02:15:50 XYZT 2026", 0, ""),
        ("Mon Nov 30 02:15:50 2026", 0, ""),
        ("Mon, 30 Nov 2026 03:15:50 +0100", 0, ""),
        ("2026-11-30T02:15:50+00:00", 0, ""),
        ("2026-11-29T21:15:50-05:00", 0, ""),
        ("2026-11-30 02:15:50.250 Node 0, zone", 0.25, "Node 0, zone"),
        ("2026-11-30T02:15:50,5Z", 0.5, ""),
        ("2026/11/30 02:15:50", 0, ""),
        ("2026-11-30_02-15-50", 0, ""),
        ("20261130-021550", 0, ""),
        ("20261130T021550Z", 0, ""),
        ("1796004950", 0, ""),
        ("@1796004950.5", 0.5, ""),
        ("1796004950250", 0.25, ""),
        ("1796004950: Node 0, zone", 0, "Node 0, zone"),
        ("Nov 30 02:15:50 HOST kernel: x", 0, "HOST kernel: x"),
        ("[30/Nov/2026:02:15:50 +0000] x", 0, "x"),
        ("30.11.2026 02:15:50", 0, ""),
        ("=== Mon Nov 30 02:15:50 UTC 2026 ===", 0, ""),
        ("# date: 2026-11-30 02:15:50", 0, ""),
        ("[2026-11-30 02:15:50] x", 0, "x"),
    ],
)
def test_date_is_read_in_every_form(text, after_s, rest):
    found = Dates(AT + 60).at_start(text)
    assert found is not None and (found.time - AT, found.rest) == (pytest.approx(after_s), rest)


@pytest.mark.parametrize(
    "text",
    ["MemFree: 1234 kB", "12345.67 2222.33", "[   12.345678] foo", "12 34 56", "2026", "Nov 31 02:15:50", "",
     "Node 0, zone DMA 1 2", "2026-13-30 02:15:50", "processes 1796004950", "1796004950.5.6", "25:00:00"],
)  # fmt: skip
def test_what_is_no_date_is_none(text):
    assert Dates(AT).at_start(text) is None


def test_date_without_zone_is_local(monkeypatch):
    monkeypatch.setenv("TZ", "EST5EDT")
    time.tzset()
    found = Dates(AT).at_start("2026-11-29 21:15:50")
    assert found is not None and found.time == AT


def test_syslogs_years_follow_the_end_and_go_on_at_new_year():
    ended = AT + 60 * 86_400  # at the end of January
    dates = Dates(ended)
    texts = ("Nov 30 02:15:50", "Dec 31 23:59:59", "Jan  1 00:00:01", "Dec 31 23:59:58", "Jan  2 00:00:00")
    days = [time.strftime("%Y-%m-%d", time.gmtime(dates.at_start(f"{text} h x: y").time)) for text in texts]
    assert days == ["2026-11-30", "2026-12-31", "2027-01-01", "2026-12-31", "2027-01-02"]


@given(st.text(max_size=60))
def test_any_text_is_taken(text):
    found = Dates(AT).at_start(text)
    assert found is None or (math.isfinite(found.time) and text.endswith(found.rest))


@given(st.integers(946_684_800, 4_102_444_799))
def test_what_date_prints_is_read_back(at):
    os.environ["TZ"] = "UTC"
    time.tzset()
    moment = time.gmtime(at)
    for form in ("%a %b %e %H:%M:%S UTC %Y", "%Y-%m-%dT%H:%M:%S+0000", "%a, %d %b %Y %H:%M:%S +0000", "%Y%m%d-%H%M%S"):
        found = Dates(at + 1.0).at_start(time.strftime(form, moment))
        assert found is not None and (found.time, found.rest) == (at, "")
