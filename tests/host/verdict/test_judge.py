"""Verdicts equal what really happened on the boards they were recorded on."""

from dataclasses import replace

import pytest
from boards import FACTS, RM, SEED_FREE, SEED_REBOOTED, captured, snapshot, trace, zone
from buddywatch.config.sections import Need
from buddywatch.verdict.judge import board_state, page_bytes_of, rule_of


def verdict_of(shot, facts, need=RM, **overrides):
    return board_state(shot, facts, [need], **overrides).needs[0]


@pytest.mark.parametrize(
    ("name", "verdict", "margin_pages", "consequence"),
    [
        pytest.param("fresh-4k-bflt", "ok", 592, "fails", id="fresh"),
        pytest.param("frag-4k-bflt", "refused", -16, "fails", id="rm-had-just-failed"),
        pytest.param("fresh-8k-elf", "ok", 253, "oom-killer", id="fresh-8k-pages"),
        pytest.param("frag-8k-elf", "refused", -8, "oom-killer", id="rm-had-just-been-killed"),
    ],
)
def test_verdict_equals_what_happened_on_the_board(name, verdict, margin_pages, consequence):
    state = verdict_of(*captured(name))
    assert (state.verdict, state.consequence) == (verdict, consequence)
    assert verdict != "refused" or state.margin_pages == margin_pages


@pytest.mark.parametrize(
    ("kernel", "verdict", "margin_pages", "serviceable_bytes"),
    [
        pytest.param("2.6.30-uc0", "refused", -5, 32768, id="2.6.30-keeps-a-reserve-per-order"),
        pytest.param("3.1.0", "refused", -7, 32768, id="3.1-asks-two-pages-more"),
        pytest.param("4.4.0-uc0", "ok", 0, 65536, id="4.4-gives-the-lone-block"),
        pytest.param("6.1.192", "ok", 0, 65536, id="6.1"),
    ],
)
def test_seed_is_judged_by_the_rule_of_its_kernel(kernel, verdict, margin_pages, serviceable_bytes):
    state = board_state(snapshot(1, SEED_FREE), {**FACTS, "kernel": kernel}, [RM])
    need = state.needs[0]
    assert (need.verdict, need.margin_pages, state.serviceable_bytes) == (verdict, margin_pages, serviceable_bytes)
    assert state.largest_free_block_bytes == 65536


def test_board_state_gives_bytes():
    state = board_state(snapshot(1, SEED_REBOOTED), FACTS, [RM])
    assert (state.free_bytes, state.reclaimable_bytes, state.ram_file_bytes) == (798 * 4096, 14 * 4096, 0)
    assert (state.serviceable_bytes, state.serviceable_low_bytes) == (2 << 20, 2 << 20)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"nommu": "1", "files": "ram,rom"}, (0, 14 * 4096), id="files-in-ram"),
        pytest.param({"nommu": "1"}, (14 * 4096, None), id="an-agent-that-does-not-say"),
        pytest.param({"nommu": "1", "files": "ram,rom", "kernel": "6.1.192"}, (14 * 4096, 0), id="6.1"),
        pytest.param({"nommu": "0", "files": "ram,disk"}, (14 * 4096, 0), id="mmu"),
        pytest.param({"page_bytes": "?"}, (None, None), id="unknown-page-size"),
    ],
)
def test_files_in_ram_are_not_reclaimable(facts, expected):
    state = board_state(snapshot(1, SEED_REBOOTED), {**FACTS, **facts}, [RM])
    assert (state.reclaimable_bytes, state.ram_file_bytes) == expected


def test_without_meminfo_nothing_is_known_of_caches():
    state = board_state(replace(snapshot(1), reclaimable_pages=None), {**FACTS, "nommu": "1"}, [])
    assert (state.reclaimable_bytes, state.ram_file_bytes) == (None, None)


def test_free_bytes_without_meminfo_are_those_in_blocks():
    assert board_state(replace(snapshot(1, SEED_FREE), free_pages=None), FACTS, []).free_bytes == 3284 * 1024


def test_pc_takes_the_best_of_its_zones():
    shot, facts = captured("pc-3zones")
    assert [one.name for one in shot.zones] == ["DMA", "DMA32", "Normal"]
    state = board_state(shot, facts, [RM])
    assert (state.needs[0].verdict, state.serviceable_bytes) == ("ok", 4 << 20)
    without_large = replace(shot, zones=(shot.zones[0], *(replace(one, nr_free=(9,) * 2) for one in shot.zones[1:])))
    # The reserve of DMA towards Normal is larger than all that DMA has.
    assert verdict_of(without_large, facts).verdict == "refused"


@pytest.mark.parametrize("name", ["HighMem", "Movable"])
def test_zone_that_never_serves_the_kernel_does_not_count(name):
    shot = snapshot(1, SEED_FREE)
    rich = zone((0,) * 9 + (500,), name=name)
    before, after = (board_state(one, FACTS, [RM]) for one in (shot, replace(shot, zones=(*shot.zones, rich))))
    assert after == before


def test_program_is_judged_after_the_pages_that_its_exec_takes():
    shot = snapshot(1, (13, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0))  # 109 pages; a block of 16 leaves 93, the min mark is 90
    data, program = (verdict_of(shot, FACTS, Need("rm", 61440, is_program=how)) for how in (False, True))
    assert (data.verdict, data.margin_pages) == ("tight", 3)
    assert (program.verdict, program.margin_pages) == ("refused", -3)


@pytest.mark.parametrize(
    ("size_bytes", "consequence"),
    [pytest.param(32768, "oom-killer", id="order-3"), pytest.param(32769, "fails", id="order-4")],
)
def test_consequence_is_the_oom_killer_up_to_order_3(size_bytes, consequence):
    assert verdict_of(snapshot(1), FACTS, Need("x", size_bytes)).consequence == consequence


@pytest.mark.parametrize(
    ("facts", "unknown"),
    [
        pytest.param({"page_bytes": "?"}, {"order", "verdict", "margin_pages", "consequence"}, id="page-size"),
        pytest.param({"page_bytes": "0"}, {"order", "verdict", "margin_pages", "consequence"}, id="page-size-0"),
        pytest.param({"page_bytes": "5000"}, {"order", "verdict", "margin_pages", "consequence"}, id="page-size-odd"),
        pytest.param({"kernel": "?"}, {"verdict", "margin_pages"}, id="kernel"),
    ],
)
def test_what_the_board_does_not_know_is_not_guessed(facts, unknown):
    state = board_state(snapshot(1, SEED_FREE), {**FACTS, **facts}, [RM])
    assert {key for key, value in vars(state.needs[0]).items() if value is None} == unknown
    assert state.serviceable_bytes is None


def test_zone_without_marks_leaves_the_verdict_unknown():
    shot = snapshot(1, SEED_REBOOTED)
    state = board_state(replace(shot, zones=(*shot.zones, zone((5, 5), marks=None, name="Normal"))), FACTS, [RM])
    assert (state.needs[0].verdict, state.serviceable_bytes, state.needs[0].order) == (None, None, 4)
    assert state.largest_free_block_bytes == 2 << 20


def test_overrides_win_over_the_hello():
    state = board_state(snapshot(1, SEED_FREE), {**FACTS, "page_bytes": "?"}, [RM], "new", 4096)
    assert (state.rule, state.page_bytes, state.needs[0].verdict) == ("new", 4096, "ok")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        pytest.param({"kernel": "3.5.0", "shift": "4"}, "old4", id="android"),
        pytest.param({"kernel": "3.5.0", "shift": "x"}, "old", id="shift-unreadable"),
        pytest.param({"kernel": "2.6.32-642.el6.x86_64"}, "el6", id="el6"),
        pytest.param({}, None, id="no-kernel"),
    ],
)
def test_rule_of_reads_the_hello(facts, rule):
    assert rule_of(facts) == rule


def test_page_bytes_of_refuses_other_digits():
    assert page_bytes_of({"page_bytes": "\u0664\u0660\u0669\u0666"}) is None


def test_trace_was_refused_at_the_latest_in_the_row_of_each_failure():
    """cron-a ran with the rule of 2.6.30; 61440 bytes are rm's and j60k's."""
    rows = trace("cron-a")
    refusals = [verdict_of(shot, FACTS).verdict == "refused" for shot, _ in rows]
    failures = [at for at, (_, lines) in enumerate(rows) if "length 61440 " in lines]
    assert len(failures) >= 5
    assert [at for at in failures if not refusals[at] and not refusals[at - 1]] == []
    assert not any(refusals[:1000])


def test_trace_of_a_resident_board_is_never_refused():
    assert {verdict_of(shot, FACTS).verdict for shot, _ in trace("resident-d")} == {"ok"}
