"""Advice about watermarks: the boost of 5.0 and later, borderline values, settings far above the kernel's formula."""

import pytest
from buddywatch.explain.marks import formula_kb
from kernel_dumps import advice, alloc, case, dump, page, zone

# 6.1: order 0 or 4 in a zone with 1400 free pages, or the counts given
PLENTY = [1000, 100, 50]  # 1400 pages = 5600 kB, no block above 16 kB


@pytest.mark.parametrize(
    ("min_kb", "boost", "helps", "says_none_helps"),
    [
        pytest.param(10428, 7216, True, True, id="boost-alone"),
        pytest.param(9000, 4000, True, False, id="just-enough-without"),
        pytest.param(16000, 6000, False, True, id="boost-larger-than-what-is-free"),
        pytest.param(9700, 4000, False, False, id="not-enough-without"),
    ],
)
def test_boost_is_not_lowered_by_min_free_kbytes(min_kb, boost, helps, says_none_helps):
    found = advice(case(page(0) + dump(zone(PLENTY, min_kb, boost=boost, managed=663836))))
    assert "min_free_kbytes" not in found
    remedy = found["watermark_boost_factor"]
    assert remedy.helps is helps
    assert remedy.numbers == {"boost_kb": boost, "now_kb": min_kb - boost}
    assert ("No value of vm.min_free_kbytes helps" in remedy.text) is says_none_helps


def test_without_a_boost_nobody_speaks_of_one():
    found = advice(case(page(0) + dump(zone(PLENTY, 7000, boost=0, managed=663836))))
    assert "watermark_boost_factor" not in found


# --- borderline ---


@pytest.mark.parametrize(
    ("counts", "order", "min_kb", "value_kb"),
    [
        # 1400 free, 1 asked for, one more: at most 1398 pages = 5595 kB
        pytest.param(PLENTY, 0, 5700, 1398 * 4 + 3, id="single-page"),
        # two blocks of 16 kB: 4 asked for, 4 more: 1392 pages
        pytest.param(PLENTY, 2, 5700, 1392 * 4 + 3, id="order-2"),
        # the last block: a second request finds none, whatever the mark
        pytest.param([1396, 0, 1], 2, 5700, None, id="last-block"),
        # room for two only below what the kernel itself keeps at least, 128 kB
        pytest.param([20, 2], 0, 200, None, id="less-than-the-kernel-keeps"),
    ],
)
def test_value_for_min_free_kbytes_leaves_room_for_one_more_request(counts, order, min_kb, value_kb):
    found = case(page(order) + dump(zone(counts, min_kb, managed=663836)))
    assert found.answer.verdict == "refused"
    remedy = advice(found)["min_free_kbytes"]
    assert remedy.helps is (value_kb is not None)
    if value_kb is not None:
        assert remedy.numbers["value_kb"] == value_kb
    assert remedy.numbers["value_kb"] < remedy.numbers["now_kb"]


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("release", ["2.6.30", "2.6.39", "3.10.0", "6.1.0"])
def test_offered_value_lets_two_such_requests_pass(order, release):
    """Tried: with the mark of the offered value and the block of the first request gone, the second passes."""
    counts = [300, 40, 30, 20, 6]
    found = case(page(order, "0xd0" if release < "4" else "0xcc0(GFP_KERNEL)") + dump(zone(counts, 4000)), release)
    remedy = advice(found)["min_free_kbytes"]
    assert remedy.helps
    left = list(counts)
    left[order] -= 1
    for state in (counts, left):
        lowered = dump(zone(state, remedy.numbers["value_kb"]))
        again = case(page(order, "0xd0" if release < "4" else "0xcc0(GFP_KERNEL)") + lowered, release)
        assert again.answer.verdict != "refused"


# --- a setting ---


@pytest.mark.parametrize(
    ("managed_kb", "min_kb", "is_named"),
    [
        pytest.param(8128, 3000, True, id="8-MB-board"),
        pytest.param(8128, 700, False, id="not-far-above"),
        pytest.param(65536, 16384, True, id="64-MB-board"),
    ],
)
def test_setting_far_above_the_formula_is_the_likely_cause(managed_kb, min_kb, is_named):
    free = min_kb // 4 - 20  # pages, a little below the mark
    found = case(page(0) + dump(zone([free], min_kb, managed=managed_kb)))
    remedy = advice(found)["min_free_kbytes"]
    assert ("likely cause" in remedy.text) is is_named
    if is_named:
        assert remedy.numbers["value_kb"] == formula_kb(found) == int((managed_kb * 16) ** 0.5)


def test_formula_is_that_of_the_seeds_kernel():
    """init_per_zone_pages_min(): 8128 kB give 360, which its dump shows."""
    assert formula_kb(case(page(0) + dump(zone([1], 360, present=8128)))) == 360


def test_atomic_request_is_told_to_raise_the_mark_not_to_lower_it():
    found = advice(case(page(0, "0x820(GFP_ATOMIC)") + dump(zone([10], 4000))))
    assert "min_free_kbytes" not in found
    assert found["raise_min_free_kbytes"].numbers["now_kb"] == 4000


def test_estimated_marks_give_no_advice_about_a_setting():
    text = "MemTotal: 8000 kB\n" + alloc(4096) + "Normal: 10*4kB 0*8kB 0*16kB = 40kB\n"
    assert "min_free_kbytes" not in advice(case(text, "2.6.30"))
