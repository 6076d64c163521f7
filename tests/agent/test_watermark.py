"""The kernel's allocation rule: a reported failure worked out by hand, the kernel's own answers, every rule family."""

from buddyd import watermark
from buddyd.sources import buddyinfo
from harness import read, vectors

# The report this project began with: 2.6.30, 8 MB, min 90, low 112, high 135 pages; 61440 bytes were refused.
FAILING = [31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0]
REBOOTED = [2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0]
MIN, LOW, HIGH = 90, 112, 135

RULE_FOR = (
    ("2.4.17-uc0", None, "old"),
    ("2.6.24", None, "old"),
    ("2.6.30-uc0", None, "old"),
    ("2.6.37.6", None, "old"),
    ("2.6.38", None, "off2"),
    ("2.6.39.4", None, "off2"),
    ("3.0.101", None, "off2"),
    ("3.2.0-4-amd64", None, "off2"),
    ("3.2-rc1", None, "off2"),
    ("3.3.0", None, "old"),
    ("3.3-rc1", None, "old"),
    ("3.10.0-1160.el7.x86_64", None, "old"),
    ("4.3.6", None, "old"),
    ("4.4-rc1", None, "new"),
    ("4.4.0-uc0", None, "new"),
    ("4.10.0", None, "new"),
    ("6.1.192", None, "new"),
    ("6.1+", None, "new"),
    ("10.0.1", None, "new"),
    ("2.6.32-642.6.2.el6.x86_64", None, "el6"),
    ("2.6.32-642.el6", 1, "el6"),
    ("3.4.0-perf", 1, "old"),
    ("3.4.0-perf", 4, "old4"),
    ("2.6.39-perf", 0, "old0"),
    ("", None, None),
    (None, None, None),
    ("linux", None, None),
    ("6", None, None),
    ("6.", None, None),
    ("v6.1.0", None, None),
    ("-6.1", None, None),
    ("\u0666.\u0661", None, None),
)


def test_rule_for_knows_every_release():
    for release, shift, rule in RULE_FOR:
        assert watermark.rule_for(release, shift) == rule, release


def test_order_for_is_the_kernels():
    cases = ((0, 0), (1, 0), (4096, 0), (4097, 1), (8192, 1), (8193, 2), (61440, 4), (65536, 4), (65537, 5))
    for size_bytes, order in cases:
        assert watermark.order_for(size_bytes, 4096) == order, size_bytes
    assert watermark.order_for(61440, 8192) == 3
    assert watermark.order_for(1, 65536) == 0


def test_kernel_vectors_give_the_largest_order():
    cases = vectors("kernel_vectors.json")
    assert len(cases) > 40
    for case in cases:
        for rule in case["largest"]:
            expected = -1 if case["largest"][rule] is None else case["largest"][rule]
            found = watermark.largest_order(case["nr_free"], case["mark"], 0, rule)
            assert found == expected, (case["name"], case["mark"], rule)


def test_trace_of_the_reported_failure():
    assert watermark.trace(FAILING, 4, MIN, 0, "old") == [
        (0, 821, 106),
        (1, 790, 61),
        (2, 696, 38),
        (3, 528, 27),
        (4, 16, 21),
    ]


def test_margin_of_the_reported_failure():
    assert watermark.margin_pages(FAILING, 4, MIN, 0, "old") == -5
    assert watermark.margin_pages(FAILING, 4, LOW, 0, "old") == -7
    assert watermark.margin_pages(FAILING, 3, MIN, 0, "old") == 528 - 8 - (MIN >> 3)


def test_reported_failure_would_pass_with_what_was_missing():
    assert watermark.judge([(FAILING, MIN, LOW, 0, 0)], 4, "old") == (watermark.REFUSED, -5)
    second_block = list(FAILING)
    second_block[4] += 1
    assert watermark.judge([(second_block, MIN, LOW, 0, 0)], 4, "old") == (watermark.OK, 11)
    assert watermark.judge([(FAILING, 15, 18, 0, 0)], 4, "old") == (watermark.TIGHT, 0)
    assert watermark.judge([(FAILING, 16, 18, 0, 0)], 4, "old") == (watermark.REFUSED, -1)
    assert watermark.judge([(FAILING, MIN, LOW, 0, 0)], 4, "new") == (watermark.OK, 0)


def test_trace_says_what_each_rule_demands():
    nr_free = [100, 10, 5, 2, 1]
    assert watermark.trace(nr_free, 2, 40, 7, "old") == [(0, 172, 51), (1, 72, 24), (2, 52, 14)]
    assert watermark.trace(nr_free, 2, 40, 7, "off2") == [(0, 172, 53), (1, 72, 26), (2, 52, 16)]
    assert watermark.trace(nr_free, 2, 40, 7, "new") == [(0, 172, 51), (2, 52, 4)]
    assert watermark.trace(nr_free, 0, 40, 7, "new") == [(0, 172, 48)]
    assert watermark.trace(nr_free, 2, 40, 7, "old4") == [(0, 172, 51), (1, 72, 6), (2, 52, 4)]
    assert watermark.trace(nr_free, 2, 40, 7, "old0") == [(0, 172, 51), (1, 72, 44), (2, 52, 44)]
    assert watermark.trace(nr_free, 4, 50, 7, "el6", 40) == [
        (0, 172, 75),
        (1, 72, 23),
        (2, 52, 20),
        (3, 32, 20),
        (4, 16, 20),
    ]
    assert watermark.trace(nr_free, 2, 40, 7, "el6", 40) == [(0, 172, 53), (1, 72, 6), (2, 52, 6)]


def test_pages_beside_the_blocks_count_wherever_the_kernel_counts():
    """To 4.3 zone_watermark_ok() takes the smaller blocks off its counter; since 4.4 it looks for the block itself."""
    nr_free = [100, 10, 5, 2, 1]
    assert watermark.trace(nr_free, 2, 40, 7, "old", None, -4) == [(0, 168, 51), (1, 68, 24), (2, 48, 14)]
    assert watermark.trace(nr_free, 2, 40, 7, "off2", None, 3) == [(0, 175, 53), (1, 75, 26), (2, 55, 16)]
    assert watermark.trace(nr_free, 2, 40, 7, "new", None, -4) == [(0, 168, 51), (2, 52, 4)]
    assert watermark.trace(nr_free, 0, 40, 7, "new", None, 4) == [(0, 176, 48)]


def test_judge_counts_as_the_kernel_does():
    """Blocks and marks of rv64 with two processors, where requests of 12 and 11 pages failed, with 0 and 1 to spare."""
    for nr_free, at_blocks, beside, verdict, margin in (
        ([7, 3, 9, 2, 0, 0, 1, 0, 0, 0, 0], (watermark.TIGHT, 0), -4, watermark.REFUSED, -4),
        ([20, 3, 4, 1, 1, 0, 1, 0, 0, 0, 0], (watermark.TIGHT, 1), -2, watermark.REFUSED, -1),
        ([0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], (watermark.REFUSED, -1), 2, watermark.TIGHT, 1),
    ):
        assert watermark.judge([(nr_free, 113, 141, 0, 0)], 4, "new") == at_blocks
        assert watermark.judge([(nr_free, 113, 141, 0, beside)], 4, "new") == (verdict, margin)


def test_largest_request_is_found_by_the_kernels_count():
    zone = [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert watermark.serviceable_order([(zone, 113, 141, 0, 0)], "new") == 3
    assert watermark.serviceable_order([(zone, 113, 141, 0, 2)], "new") == 4
    assert watermark.serviceable_order([(zone, 113, 141, 0, -8)], "new") == 2
    assert watermark.serviceable_low_order([(zone, 100, 113, 0, 2)], "new") == 4


def test_order_that_the_zone_does_not_have_is_refused():
    for rule in watermark.RULES:
        extra = 2 if rule in ("off2", "el6") else 0  # these rules ask for so many pages more at each order
        assert watermark.margin_pages([1000, 1000], 2, 0, 0, rule) == -4 - extra, rule
        assert watermark.judge([([1000, 1000], 0, 0, 0, 0)], 20, rule) == (watermark.REFUSED, -(1 << 20) - extra), rule


def test_reserve_counts_in_the_first_test_only():
    assert watermark.margin_pages(REBOOTED, 9, MIN, 0, "old") == 0
    assert watermark.margin_pages(REBOOTED, 9, MIN, 798 - 512 - MIN, "old") == 0
    assert watermark.margin_pages(REBOOTED, 9, MIN, 798 - 512 - MIN + 1, "old") == -1


def test_free_pages_adds_up_the_blocks():
    assert watermark.free_pages(FAILING) == 821
    assert watermark.free_pages(REBOOTED) == 798
    assert watermark.free_pages([]) == 0
    assert watermark.pages_from(FAILING, 3) == 528
    assert watermark.pages_from(FAILING, 11) == 0


def test_take_pages_splits_the_smallest_block():
    assert watermark.take_pages([0, 0, 1], 1) == [1, 1, 0]
    assert watermark.take_pages([0, 0, 1], 2) == [0, 1, 0]
    assert watermark.take_pages([3, 0, 1], 3) == [0, 0, 1]
    assert watermark.take_pages([3, 0, 1], 4) == [1, 1, 0]
    assert watermark.take_pages([1, 1], 9) == [0, 0]
    assert watermark.take_pages([], 1) == []


def test_take_pages_leaves_its_argument_alone():
    nr_free = [1, 2]
    watermark.take_pages(nr_free, 2)
    assert nr_free == [1, 2]


def test_judge_is_refused_tight_or_ok_by_the_two_marks():
    zones = [([0, 0, 0, 0, 2], 90, 112, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.REFUSED, 32 - 16 - 90)
    zones = [([90, 0, 0, 0, 1], 90, 91, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.TIGHT, 0)
    zones = [([91, 0, 0, 0, 1], 90, 91, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.OK, 0)
    zones = [([89, 0, 0, 0, 1], 90, 91, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.REFUSED, -1)


def test_judge_takes_the_pages_of_an_exec_first():
    zones = [([95, 0, 0, 0, 1], 90, 90, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.OK, 0)
    assert watermark.judge(zones, 4, "new", watermark.EXEC_PAGES) == (watermark.REFUSED, -1)
    zones[0][0][0] += 1
    assert watermark.judge(zones, 4, "new", watermark.EXEC_PAGES) == (watermark.OK, 0)
    zones = [([0, 0, 0, 0, 1], 0, 0, 0, 0)]
    assert watermark.judge(zones, 4, "new") == (watermark.OK, 0)
    assert watermark.judge(zones, 4, "new", watermark.EXEC_PAGES) == (watermark.REFUSED, -16)


def test_judge_takes_the_best_zone():
    refused = ([0, 0, 1], 90, 112, 0, 0)
    tight = ([110, 0, 1], 90, 112, 0, 0)
    ok = ([112, 0, 1], 90, 112, 0, 0)
    better = ([112, 0, 9], 90, 112, 0, 0)
    assert watermark.judge([refused, tight], 2, "new") == (watermark.TIGHT, 0)
    assert watermark.judge([tight, ok, refused], 2, "new") == (watermark.OK, 0)
    assert watermark.judge([ok, better, tight], 2, "new") == (watermark.OK, 32)
    assert watermark.judge([refused, refused], 2, "new") == (watermark.REFUSED, -90)


def test_judge_without_zones_is_unknown():
    assert watermark.judge([], 2, "new") == (None, None)


def test_serviceable_order_is_the_best_of_the_zones():
    failing, rebooted, empty = (FAILING, MIN, LOW, 0, 0), (REBOOTED, MIN, LOW, 0, 0), ([0] * 11, MIN, LOW, 0, 0)
    assert watermark.serviceable_order([failing], "old") == 3
    assert watermark.serviceable_order([failing], "new") == 4
    assert watermark.serviceable_order([failing, rebooted, empty], "old") == 9
    assert watermark.serviceable_order([empty], "old") == -1
    assert watermark.serviceable_order([], "old") == -1


def test_serviceable_low_order_needs_more():
    zone = ([110, 0, 1], 90, 112, 0, 0)
    assert watermark.serviceable_order([zone], "new") == 2
    assert watermark.serviceable_low_order([zone], "new") == 1
    zone = ([109, 0, 0], 90, 112, 0, 0)
    assert watermark.serviceable_order([zone], "new") == 0
    assert watermark.serviceable_low_order([zone], "new") == -1


def test_judge_agrees_with_what_the_board_did():
    """4 kB pages: rm (61440 bytes on a ColdFire), or sleep, ran after each boot, and had just failed in the others."""
    for capture, release, marks, size_bytes, verdict in (
        ("fresh-4k-bflt", "6.1.192", (70, 87, 0), 61440, watermark.OK),
        ("frag-4k-bflt", "6.1.192", (70, 87, 0), 61440, watermark.REFUSED),
        ("fresh-4k-bflt-2.6.30", "2.6.30", (90, 112, 0), 61440, watermark.OK),
        ("frag-4k-bflt-2.6.30-files", "2.6.30", (90, 112, 0), 61440, watermark.REFUSED),
        ("frag-4k-bflt-2.6.30-cron", "2.6.30", (90, 112, 0), 61440, watermark.REFUSED),
        ("frag-4k-bflt-2.6.30-noagent", "2.6.30", (90, 112, 0), 61440, watermark.REFUSED),
        ("fresh-rv64", "6.1.176", (113, 141, 0), 282624, watermark.OK),
        ("frag-rv64", "6.1.176", (113, 141, 0), 282624, watermark.REFUSED),
        ("fresh-rv64-2-cpus", "6.1.176", (113, 141, 0), 282624, watermark.OK),
        ("frag-rv64-2-cpus", "6.1.176", (113, 141, 0), 282624, watermark.REFUSED),
        ("fresh-rv32", "6.1.176", (115, 143, 0), 294912, watermark.OK),
        ("frag-rv32", "6.1.176", (115, 143, 0), 294912, watermark.REFUSED),
        ("fresh-arm", "6.1.176", (117, 146, 0), 241664, watermark.OK),
        ("frag-arm", "6.1.176", (117, 146, 0), 241664, watermark.REFUSED),
    ):
        _, name, nr_free = buddyinfo.parse_line(read("captures/%s/proc/buddyinfo" % capture))
        assert name in watermark.KERNEL_ZONES
        zones = [(nr_free,) + marks + (0,)]
        order = watermark.order_for(size_bytes, 4096)
        assert watermark.judge(zones, order, watermark.rule_for(release), watermark.EXEC_PAGES)[0] == verdict, capture
