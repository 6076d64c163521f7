"""Moments as people type them, and that every command reads them in the same way."""

from datetime import datetime

import pytest
from buddywatch.text.moments import parse_time, parse_time_ahead

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - 7200),
        ("1h30m", NOW - 5400),
        ("90", NOW - 90),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14 22:13", datetime(2023, 11, 14, 22, 13).timestamp()),
        ("2023-11-14", datetime(2023, 11, 14).timestamp()),
        ("1w", NOW - 7 * 86_400),
        ("1w 2d", NOW - 9 * 86_400),
        ("today", datetime.fromtimestamp(NOW).replace(hour=0, minute=0, second=0).timestamp()),
        ("yesterday", datetime.fromtimestamp(NOW - 86_400).replace(hour=0, minute=0, second=0).timestamp()),
        ("0:00", datetime.fromtimestamp(NOW).replace(hour=0, minute=0, second=0).timestamp()),
        (f"{datetime.fromtimestamp(NOW + 3600):%H:%M:%S}", NOW + 3600 - 86_400),
    ],
)
def test_parse_time_takes_durations_and_iso_times(text, expected):
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "2h ago", "2023-13-01", "25:13", "22:", "-1h", "\x1b"])
def test_parse_time_refuses_anything_else(text):
    with pytest.raises(ValueError, match="expected a duration such as"):
        parse_time(text, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW + 7200),
        ("tomorrow", datetime.fromtimestamp(NOW + 86_400).replace(hour=0, minute=0, second=0).timestamp()),
        (f"{datetime.fromtimestamp(NOW - 3600):%H:%M:%S}", NOW - 3600 + 86_400),
        (f"{datetime.fromtimestamp(NOW + 3600):%H:%M:%S}", NOW + 3600),
        ("2023-11-14T22:13:20Z", NOW),
    ],
)
def test_what_is_planned_lies_ahead(text, expected):
    assert parse_time_ahead(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "25:13", "soon"])
def test_what_is_planned_is_no_other_word(text):
    with pytest.raises(ValueError, match="or tomorrow"):
        parse_time_ahead(text, NOW)
