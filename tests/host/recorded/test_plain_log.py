"""Logs of repeated `cat /proc/buddyinfo`, as people make them."""

from itertools import pairwise

import pytest
from buddywatch.model.samples import Boot, Event, Snapshot
from buddywatch.recorded.formats import format_of
from buddywatch.recorded.pieces import Flags, Unreadable
from hypothesis import given
from hypothesis import strategies as st
from recordings import ENDED, items_of, of_kind

AT = 1_690_000_000  # Sat Jul 22 04:26:40 UTC 2023
INTERVAL = Flags(interval_s=60)


def row(free, zone="DMA", end=" \n"):
    return f"Node 0, zone {zone:>8} " + " ".join(f"{count:>6}" for count in free) + end


def rows(n):
    return row((n % 7, 3, 1)) + row((1, n % 5, 2), "Normal")


def uptime(n, start=1000):
    return f"{start + 60 * n}.25 {30 * n}.50\n"


MEMINFO = "MemTotal:  8000 kB\nMemFree:  {} kB\nBuffers:  8 kB\nCached:  400 kB\nSlab:  300 kB\n"
ZONEINFO = """Node 0, zone   Normal
  pages free     700
        min      90
        low      112
        high     135
        scanned  0
    nr_free_pages 700
        protection: (0, 0)
  pagesets
"""


def log(*parts, polls=5):
    return "".join(part(n) if callable(part) else part for n in range(polls) for part in parts)


DATES = {
    "epoch": lambda n: f"{AT + 60 * n}\n",
    "iso": lambda n: f"2023-07-22T04:{26 + n}:40+00:00\n",
    "date": lambda n: f"Sat Jul 22 04:{26 + n}:40 UTC 2023\n",
    "rfc": lambda n: f"Sat, 22 Jul 2023 04:{26 + n}:40 +0000\n",
    "framed": lambda n: f"--- {AT + 60 * n} ---\n",
}


@pytest.mark.parametrize("date", DATES.values(), ids=DATES)
@pytest.mark.parametrize("parts", ["date first", "date last"])
def test_date_before_or_after_the_rows(date, parts):
    items = items_of(log(date, rows) if parts == "date first" else log(rows, date))
    assert [shot.time for shot in of_kind(items, Snapshot)] == [AT + 60 * n for n in range(5)]
    assert of_kind(items, Unreadable) == [] and len(of_kind(items, Boot)) == 1


def test_line_stamps_of_ts_and_syslog_date_each_reading():
    for stamp in (lambda n: f"Jul 22 04:{26 + n}:40 ", lambda n: f"Jul 22 04:{26 + n}:40 xport root: "):
        text = log(
            lambda n, stamp=stamp: stamp(n) + row((n, 1)), lambda n, stamp=stamp: stamp(n) + row((1, n), "Normal")
        )
        shots = of_kind(items_of(text, ended=AT + 3600), Snapshot)
        assert [after.time - before.time for before, after in pairwise(shots)] == [60] * 4
        assert [zone.nr_free for zone in shots[2].zones] == [(2, 1), (1, 2)]


def test_without_dates_the_interval_counts_and_the_end_is_when_the_file_was_written():
    shots = of_kind(items_of(log(rows), INTERVAL), Snapshot)
    assert [round(ENDED - shot.time) for shot in shots] == [240, 180, 120, 60, 0]


def test_uptimes_alone_say_when_and_falling_ones_are_reboots():
    text = log(uptime, rows) + log(lambda n: uptime(n, 30), rows)
    items = items_of(text)
    assert [boot.cause for boot in of_kind(items, Boot)] == ["first", "reboot"]
    shots = of_kind(items, Snapshot)
    assert shots[-1].time == pytest.approx(ENDED) and shots[4].time < shots[5].time
    assert shots[5].uptime_ms == 30_250


def test_output_of_uptime_is_an_uptime():
    text = log(lambda n: f" 04:{26 + n}:40 up 3 days,  2:{10 + n},  load average: 0.00, 0.01, 0.05\n", rows)
    assert of_kind(items_of(text), Snapshot)[1].uptime_ms == ((3 * 24 + 2) * 60 + 11) * 60_000


def test_meminfo_zoneinfo_and_stat_belong_to_their_reading():
    text = "Linux xport 2.6.30-uc0 #3 Mon Oct 5 m68knommu GNU/Linux\n" + log(
        DATES["date"], lambda n: row((200 + n, 100, 75), "Normal"), lambda n: MEMINFO.format(2804 + 4 * n), ZONEINFO,
        "ctxt 5\nprocesses 41\n",
    )  # fmt: skip
    items = items_of(text)
    (boot,) = of_kind(items, Boot)
    assert (boot.facts["kernel"], boot.facts["page_bytes"], boot.facts["z0"]) == (
        "2.6.30-uc0",
        "4096",
        "0/Normal/3/90/112/135/0",
    )
    assert boot.facts["cols"] == "up,proc,free,recl,slab"
    shot = of_kind(items, Snapshot)[3]
    assert (shot.free_pages, shot.slab_pages, shot.reclaimable_pages, shot.processes) == (704, 75, 102, 41)
    assert (shot.zones[0].min_pages, shot.zones[0].high_pages) == (90, 135)


def test_zoneinfo_that_comes_once_holds_for_all_readings():
    items = items_of(ZONEINFO + log(DATES["epoch"], lambda n: row((n, 1, 1), "Normal")))
    assert {shot.zones[0].low_pages for shot in of_kind(items, Snapshot)} == {112} and len(of_kind(items, Boot)) == 1


def test_torn_rows_and_lost_dates_cost_only_their_reading():
    good = [f"{AT + 60 * n}\n" + rows(n) for n in range(12)]
    torn = list(good)
    torn[3] = f"{AT + 180}\n" + row((1, 2))  # a row shorter, and one missing
    torn[6] = torn[6].partition("\n")[2]  # its date is missing
    torn[9] = f"{AT + 540}\nNode 0, zon" + rows(9)[40:]
    items = items_of("".join(torn))
    shots = of_kind(items, Snapshot)
    assert [round(shot.time - AT) // 60 for shot in shots] == [n for n in range(12) if n not in (3, 6, 9)]
    assert [shot.zones[0].nr_free[0] for shot in shots] == [n % 7 for n in range(12) if n not in (3, 6, 9)]
    assert len(of_kind(items, Unreadable)) >= 3 and len(of_kind(items, Boot)) == 1


def test_last_number_of_a_log_that_is_being_written_is_not_believed():
    text = log(DATES["epoch"], lambda n: row((5, 123))) + f"{AT + 300}\n" + row((5, 12), end="")
    items = items_of(text)
    assert len(of_kind(items, Snapshot)) == 5 and len(of_kind(items, Unreadable)) == 1


def test_another_kernel_with_other_orders_is_a_new_boot():
    items = items_of(log(DATES["epoch"], rows) + log(lambda n: f"{AT + 9000 + 60 * n}\n", lambda n: row((n, 1, 1, 1))))
    assert [len(boot.facts["z0"].split("/")) for boot in of_kind(items, Boot)] == [7, 7]
    assert len(of_kind(items, Snapshot)) == 10


def test_kernels_lines_between_the_readings_are_events_with_time():
    line = "[ 1130.500000] nommu: Allocation of length 61440 from process 77 (rm) failed\n"
    items = items_of(log(DATES["epoch"], uptime, rows, lambda n: line if n == 2 else ""))
    (event,) = of_kind(items, Event)
    assert (event.kind, event.number, event.comm, event.uptime_ms) == ("alloc", 61440, "rm", 1_130_500)
    assert event.time == pytest.approx(AT + 120 + 10.25, abs=0.5)


def test_board_without_a_clock_counts_from_1970_until_it_is_set():
    text = log(lambda n: f"Thu Jan  1 00:0{n}:20 UTC 1970\n", rows) + log(DATES["date"], rows)
    items = items_of(text)
    shots = of_kind(items, Snapshot)
    assert len(of_kind(items, Boot)) == 2 and len(shots) == 10
    assert [after.time - before.time for before, after in pairwise(shots)] == pytest.approx([60] * 9)


def test_clock_that_is_set_back_begins_a_new_life_with_times_of_its_own():
    items = items_of(log(DATES["epoch"], rows) + log(DATES["epoch"], rows))
    assert [boot.cause for boot in of_kind(items, Boot)] == ["first", "agent-restart"]


def test_dmesg_alone_is_events():
    text = "".join(f"[{n:5}.000000] eth0: link is up\n" for n in range(30))
    text += "[   60.000000] rm: page allocation failure. order:4, mode:0xd0\n" + "[    5.0] usb 1-1: new device\n"
    text += "[    9.000000] Out of memory: kill process 7 (sh) score 12 or a child\n"
    items = items_of(text)
    events = of_kind(items, Event)
    assert [(event.kind, event.uptime_ms) for event in events] == [("page", 60_000), ("kill", 9_000)]
    assert [boot.facts["zones"] for boot in of_kind(items, Boot)] == ["0", "0"]
    assert [boot.cause for boot in of_kind(items, Boot)] == ["first", "reboot"]


def test_syslog_alone_is_events_with_their_dates():
    text = "".join(f"Jul 22 04:26:{n:02} xport kernel: eth0: link is up\n" for n in range(10))
    text += "Jul 22 04:26:40 xport kernel: [  123.000000] Allocation of length 61440 from process 7 (rm) failed\n"
    (event,) = of_kind(items_of(text, ended=AT + 60), Event)
    assert event.kind == "alloc" and event.text.startswith("Allocation of length")


def test_formats_are_told_apart_by_content():
    assert format_of(log(DATES["epoch"], rows).splitlines()).name == "log"
    assert format_of(["<4>[    1.000000] a", "<6>[    2.000000] b"]).name == "kernel log"


PARTS = (
    rows(1), rows(2), f"{AT}\n", f"{AT + 60}\n", uptime(1), uptime(2), ZONEINFO, "Node 0, z\n", MEMINFO.format(60),
    MEMINFO.format(64), row((1, 2), end=""), "x\n", "Node 0, zone DMA\n",
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_parts_in_any_order_keep_each_boots_times_and_numbers(parts):
    last = {}
    for shot in of_kind(items_of(rows(0) + "".join(parts), INTERVAL), Snapshot):
        before = last.get(shot.boot_id)
        if before is not None:
            assert shot.seq > before.seq and shot.time >= before.time and shot.uptime_ms >= before.uptime_ms
        last[shot.boot_id] = shot


@given(st.text(max_size=400))
def test_any_text_is_read_or_told(text):
    items_of(row((1, 2, 3)) + text, INTERVAL)
