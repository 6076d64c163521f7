"""What people read: escaped text, times, tables, and a need's state in words."""

from dataclasses import replace
from datetime import datetime

import pytest
from boards import FACTS, SEED_FREE, snapshot, zone
from buddywatch.config.sections import Need
from buddywatch.model.samples import Gap
from buddywatch.text.escape import (
    UNKNOWN_TIME,
    brief_duration,
    escaped,
    iso_time,
    local_clock,
    local_day_time,
    local_time,
    one_line,
    rough_duration,
    table,
    wrapped,
)
from buddywatch.text.gap_words import gap_words
from buddywatch.text.state_words import block_words, kernel_words, need_words, size_words
from buddywatch.verdict.judge import board_state
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\t", "a\\x0d\\x0ab\\x09"),
        ("\x7f\x9b\xfc", "\\x7f\\x9b\\xfc"),
        ("\u202e", "\\u202e"),
        ("\U0001f600", "\\U0001f600"),
        ("\udcff", "\\udcff"),
    ],
    ids=["plain", "escape", "lines", "high", "direction", "astral", "surrogate"],
)
def test_escaped_shows_what_is_no_printable_ascii(text, expected):
    assert escaped(text) == expected


@given(st.text())
def test_escaped_is_always_printable_ascii(text):
    assert (escaped(text).isascii() and escaped(text).isprintable()) or not text


def test_one_line_joins_and_cuts():
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 300) == "x" * 197 + "..."


@given(st.one_of(st.integers(), st.floats()))
def test_no_time_of_a_database_can_end_a_command(time):
    assert len(local_time(time)) > len(local_day_time(time)) > len(local_clock(time)) or (
        {local_time(time), local_day_time(time), local_clock(time)} == {UNKNOWN_TIME}
    )
    assert rough_duration(time)


@pytest.mark.parametrize("time", [float("inf"), float("nan"), 1e12, -1e12, 10**400])
def test_a_time_that_no_calendar_has_is_unknown(time):
    assert local_time(time) == local_day_time(time) == local_clock(time) == UNKNOWN_TIME


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59.9, "1 min"),
        (59.4, "59 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (3661, "1 h 1 min"),
        (28_799.9, "8 h"),
        (28_769, "7 h 59 min"),
        (28_770, "8 h"),
        (172_799, "2 d"),
        (180_000, "2 d 2 h"),
        (178_199, "2 d 1 h"),
    ],
)
def test_rough_duration_is_as_people_say_it(seconds, expected):
    assert rough_duration(seconds) == expected


NOW = 1_700_000_000.0


def test_table_aligns_columns():
    assert table([["a", "1"], ["bbb", "22"]], right=frozenset({1})) == ["a     1", "bbb  22"]
    assert table([]) == []


def need(size_bytes, nr_free, is_program=False, marks=(90, 112, 135), facts=FACTS):
    shot = replace(snapshot(1), zones=(zone(nr_free, marks),))
    state = board_state(shot, facts, [Need("rm", size_bytes, is_program)])
    return need_words(state.needs[0], shot, state)


@pytest.mark.parametrize(
    ("size_bytes", "nr_free", "expected"),
    [
        pytest.param(61440, SEED_FREE, "FAILS: the largest usable block is 32 kB", id="the-seed"),
        # 16 pages in blocks of order 1 or larger, 16 + (90 >> 1) demanded: harder than the need's own order
        pytest.param(61440, (200, 0, 0, 0, 1, 0), "FAILS: the largest usable block is 4 kB", id="smaller-blocks"),
        # all free memory: 100 pages, 4 + 90 demanded at min, 4 + 112 at low
        pytest.param(
            16384, (0, 0, 25), "tight: succeeds only after reclaim, 24 kB to spare in all free memory", id="tight"
        ),
        pytest.param(
            16384,
            (0, 0, 20),
            "FAILS: no block is usable; the kernel kills a process for it (OOM killer)",
            id="oom-killer",
        ),
        pytest.param(61440, (0, 0, 0, 0, 20), "OK, 856 kB to spare in all free memory", id="ok"),
        pytest.param(4096, (91,), "tight: succeeds only after reclaim, 0 B to spare in all free memory", id="just"),
    ],
)
def test_need_words_give_verdict_margin_and_place(size_bytes, nr_free, expected):
    assert need(size_bytes, nr_free) == expected


def test_need_words_of_a_program_count_what_an_exec_takes_first():
    # The 6 pages come out of the only block of 64 kB, as nothing smaller is free.
    assert need(61440, (0, 0, 0, 0, 2), is_program=True).startswith("FAILS: ")
    assert need(61440, (0, 0, 0, 0, 1, 4), is_program=True) == "OK, 128 kB to spare in all free memory"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"marks": None}, "unknown: the board has no watermarks (/proc/zoneinfo)"),
        ({"facts": {**FACTS, "page_bytes": "?"}}, "unknown: the board's page size is not known; set page_bytes"),
        (
            {"facts": {**FACTS, "kernel": "custom"}},
            "unknown: no rule is known for this kernel release",
        ),
    ],
    ids=["marks", "page-size", "release"],
)
def test_need_words_say_what_is_not_known(change, expected):
    assert need(61440, SEED_FREE, **change).startswith(expected)


def test_sizes_in_words():
    assert [size_words(n) for n in (None, 0, 65536)] == ["unknown", "0 B", "64 kB"]
    assert [size_words(n) for n in ((100 << 20) - 4096, (100 << 20) + 4096)] == ["102396 kB", "100 MB"]
    assert [block_words(n) for n in (None, 0, 65536)] == ["unknown", "none", "64 kB"]


def test_gap_words_have_first_and_last():
    assert gap_words(Gap("0", 5, 5, "\x1bodd", 0.0)) == "5..5 (1 frame): \\x1bodd"


def test_kernel_words_leave_out_what_is_not_known():
    assert kernel_words({"kernel": "6.1.0", "machine": "?", "nommu": "?"}) == "Linux 6.1.0"
    assert kernel_words({"kernel": "6.1.0", "machine": "arm", "nommu": "0"}) == "Linux 6.1.0, arm, MMU"
    assert kernel_words({}) == "Linux unknown"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (99, "99s"),
        (100, "1m"),
        (840, "14m"),
        (9600, "2h40"),
        (36_000, "10h"),
        (172_800, "2d"),
        (1e12, "9999d"),
    ],
)
def test_a_brief_duration_has_five_characters(seconds, expected):
    assert brief_duration(seconds) == expected and len(expected) <= 5


def test_an_iso_time_is_the_same_moment():
    assert datetime.fromisoformat(iso_time(NOW + 0.25)).timestamp() == NOW + 0.25
    assert iso_time(1e300) == ""


@pytest.mark.parametrize("bound", ["11 h", "4 min", "64 kB", "3 pages", "7 bytes", "2 d", "11:55:03 +0100"])
def test_a_number_stays_with_its_unit_wherever_the_line_ends(bound):
    for before in range(1, 40):
        text = f"{'x' * before} {bound} then 5 blocks more"
        lines = wrapped(text, "", columns=30)
        assert any(bound in line for line in lines)
        assert " ".join(lines) == text and max(map(len, lines)) <= max(30, before)
