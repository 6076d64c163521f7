"""Traces: tables of polls, with boots found in them."""

from pathlib import Path

import pytest
from buddywatch.model.samples import Boot, Event, Snapshot
from buddywatch.recorded.pieces import Flags, RecordedError, Unreadable
from hypothesis import given
from hypothesis import strategies as st
from recordings import ENDED, items_of, of_kind

TRACES = Path(__file__).resolve().parents[2] / "fixtures" / "traces"
HEADER = "up_ms\tmem_free_kb\tprocesses\torder0\torder1\tevent"


def table(*rows):
    return "\n".join([HEADER, *("\t".join(map(str, row)) for row in rows)]) + "\n"


def test_real_trace_has_each_row_once_and_ends_when_its_file_was_written():
    items = items_of((TRACES / "cron-a.tsv").read_text(), Flags("2.6.30", None, 280, 348, 5))
    snapshots = of_kind(items, Snapshot)
    (boot,) = of_kind(items, Boot)
    assert len(snapshots) == 1743 and snapshots[-1].time == pytest.approx(ENDED, abs=0.02)
    assert snapshots[1].uptime_ms - snapshots[0].uptime_ms == 5000
    assert boot.facts["page_bytes"] == "4096" and boot.facts["z0"] == "0/DMA/11/70/87/104/0"
    assert snapshots[0].zones[0].low_pages == 87 and snapshots[0].free_pages == 2796 // 4
    assert len([event for event in of_kind(items, Event) if event.kind == "alloc"]) == 34
    assert [item.seq for item in items if not isinstance(item, Boot)] == list(range(1, len(items)))


def test_rows_are_as_far_apart_as_up_ms_says():
    snapshots = of_kind(items_of(table((1000, 12, 1, 1, 1, ""), (3500, 12, 1, 1, 1, ""))), Snapshot)
    assert snapshots[1].time - snapshots[0].time == pytest.approx(2.5)


def test_uptime_that_falls_is_a_reboot_and_the_boots_follow_each_other():
    items = items_of(table((90_000, 12, 9, 1, 1, ""), (91_000, 12, 9, 1, 1, ""), (500, 12, 1, 2, 0, "")))
    boots, snapshots = of_kind(items, Boot), of_kind(items, Snapshot)
    assert [boot.cause for boot in boots] == ["first", "reboot"] and boots[0].boot_id != boots[1].boot_id
    assert snapshots[1].time < snapshots[2].time == pytest.approx(ENDED)
    assert snapshots[2].seq == 1


def test_event_comes_before_its_row_and_at_its_time():
    text = "rm: page allocation failure. order:4, mode:0xd0 | Killed process 7 (rm)"
    items = items_of(table((1000, 12, 1, 1, 1, ""), (2000, 12, 1, 1, 1, text)))
    assert [type(item) for item in items] == [Boot, Snapshot, Event, Event, Snapshot]
    assert [item.kind for item in items[2:4]] == ["page", "kill"] and items[2].time == items[4].time


@pytest.mark.parametrize(
    "row",
    [
        ("x", 12, 1, 1, 1, ""),
        (2000, 12, 1, 1, "1z", ""),
        (2000, 12),
        (2000, 12, 1, 1, -1, ""),
        (10**13, 12, 1, 1, 1, ""),
        (2000, 12, 1, 1, 2**53, ""),
    ],
)
def test_row_that_cannot_be_read_is_told_with_its_line(row):
    items = items_of(table((1000, 12, 1, 1, 1, ""), row, (3000, 12, 1, 1, 1, "")))
    assert [item.line for item in of_kind(items, Unreadable)] == [3] and len(of_kind(items, Snapshot)) == 2


def test_row_that_is_still_being_written_is_left_out():
    items = items_of(table((1000, 12, 1, 1, 1, ""), (2000, 12, 1, 1, 1, "")) + "3000\t12\t1\t1\t1")
    assert len(of_kind(items, Snapshot)) == 2 and len(of_kind(items, Unreadable)) == 1


def test_grown_trace_keeps_boots_and_numbers():
    rows = [(1000 * n, 12, 1, n % 3, 1, "") for n in range(1, 100)]
    short, long = items_of(table(*rows[:60])), items_of(table(*rows))
    assert [(item.boot_id, item.seq) for item in short[1:]] == [(item.boot_id, item.seq) for item in long[1:61]]
    assert short[0].facts == long[0].facts


def test_marks_without_page_size_are_an_error_that_says_what_to_give():
    with pytest.raises(RecordedError, match="--page-kb"):
        items_of("order0\torder1\n1\t2\n", Flags(min_kb=280, interval_s=5))


def test_readings_without_any_time_ask_for_the_interval():
    with pytest.raises(RecordedError, match="--interval"):
        items_of("order0\torder1\n1\t2\n1\t1\n")
    assert len(of_kind(items_of("order0\torder1\n1\t2\n1\t1\n", Flags(interval_s=60)), Snapshot)) == 2


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**9), st.integers(0, 2**40)), min_size=1))
def test_numbers_of_boots_begin_at_1_and_times_never_fall(rows):
    items = items_of(table(*((up, 12, 1, low, high, "") for up, low, high in rows)))
    last = {}
    for item in of_kind(items, Snapshot):
        time, uptime_ms, seq = last.get(item.boot_id, (0.0, 0, 0))
        assert item.seq == seq + 1 and item.uptime_ms >= uptime_ms and item.time >= time
        last[item.boot_id] = item.time, item.uptime_ms, item.seq


@given(st.text(max_size=300))
def test_any_text_below_a_header_is_read_or_told(text):
    items = items_of(f"order0\torder1\n1\t1\n{text}", Flags(interval_s=1))
    assert of_kind(items, Snapshot)
