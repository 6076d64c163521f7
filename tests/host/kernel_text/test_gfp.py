"""The flags of requests, by name and by number, in all versions."""

from itertools import pairwise

import pytest
from buddywatch.explain.request import Request, request_of
from buddywatch.kernel_text.gfp import ERAS, flags_of, span_of_mode

ANY = ((2, 6, 0), (99, 0, 0))

# What kernels printed: the number and the names of one request. From public logs of these versions.
PRINTED = [
    ("4.9", 0x24000C0, "GFP_KERNEL"),
    ("4.4", 0x2080020, "GFP_ATOMIC"),
    ("4.9", 0x24200CA, "GFP_HIGHUSER_MOVABLE"),
    ("4.9", 0x26040C0, "GFP_KERNEL|__GFP_COMP|__GFP_NOTRACK"),
    ("4.14", 0x14000C0, "GFP_KERNEL"),
    ("4.14", 0x1080020, "GFP_ATOMIC"),
    ("4.15", 0x14200CA, "GFP_HIGHUSER_MOVABLE"),
    ("4.15", 0x14280CA, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO"),
    ("4.19", 0x6200CA, "GFP_HIGHUSER_MOVABLE"),
    ("4.19", 0x6000C0, "GFP_KERNEL"),
    ("4.19", 0x480020, "GFP_ATOMIC"),
    ("4.19", 0x7080C0, "GFP_KERNEL_ACCOUNT|__GFP_ZERO"),
    ("5.4", 0x100CCA, "GFP_HIGHUSER_MOVABLE"),
    ("5.4", 0xCC0, "GFP_KERNEL"),
    ("5.4", 0xA20, "GFP_ATOMIC"),
    ("6.1", 0x140CCA, "GFP_HIGHUSER_MOVABLE|__GFP_COMP"),
    ("6.7", 0x10CC0, "GFP_KERNEL|__GFP_NORETRY"),
    ("6.7", 0x820, "GFP_ATOMIC"),
    ("5.10", 0x40DC0, "GFP_KERNEL|__GFP_COMP|__GFP_ZERO"),
]


def version(text):
    numbers = (*(int(part) for part in text.split(".")), 0, 0)[:3]
    return numbers, numbers


@pytest.mark.parametrize(("kernel", "mode", "names"), PRINTED)
def test_number_and_names_are_the_same_flags(kernel, mode, names):
    by_number, by_names = flags_of(mode, None, version(kernel)), flags_of(None, names, ANY)
    # 6.3 dropped __GFP_ATOMIC; __GFP_NOTRACK does not matter here.
    assert by_number == by_names - {"NOTRACK"} - ({"ATOMIC"} if kernel.startswith("6.7") else set())


@pytest.mark.parametrize(("kernel", "mode", "names"), PRINTED)
def test_number_and_names_together_tell_the_version(kernel, mode, names):
    first, last = span_of_mode(mode, names)
    assert first <= version(kernel)[0] <= last
    assert first >= (4, 4, 0)


@pytest.mark.parametrize(
    ("kernel", "mode", "flags"),
    [
        ("2.6.30", 0xD0, {"DIRECT_RECLAIM", "IO", "FS"}),
        ("2.6.30", 0x20, {"HIGH"}),
        ("2.6.24", 0x1201D2, {"HIGHMEM", "DIRECT_RECLAIM", "IO", "FS", "COLD", "HARDWALL", "MOVABLE"}),
        ("2.6.32", 0x201DA, {"HIGHMEM", "DIRECT_RECLAIM", "IO", "FS", "COLD", "HARDWALL", "MOVABLE"}),
        ("3.10", 0x4020, {"HIGH", "COMP"}),
        ("2.6.25", 0x10D0, {"DIRECT_RECLAIM", "IO", "FS", "NORETRY"}),
        ("3.10", 0x2004D0, {"DIRECT_RECLAIM", "IO", "FS", "REPEAT"}),
        ("3.14", 0x10C0D0, {"DIRECT_RECLAIM", "IO", "FS", "COMP", "ZERO"}),
    ],
)
def test_numbers_without_names(kernel, mode, flags):
    assert flags_of(mode, None, version(kernel)) == flags


@pytest.mark.parametrize(
    ("mode", "can_wait", "movable"),
    [(0xD0, True, False), (0x20, False, False), (0xCC0, True, False), (0x24200CA, True, True), (0xA20, False, False),
     (0x201DA, True, True), (0x2080020, False, False)],
)  # fmt: skip
def test_a_number_of_an_unknown_version_is_read_by_its_bits(mode, can_wait, movable):
    request = request_of(0, mode, None, ANY)
    assert (request.can_wait, request.movable) == (can_wait, movable)


def test_no_flag_stands_for_two_things_in_one_era():
    for era in ERAS:
        bits = list(era.bits.values())
        assert len(set(bits)) == len(bits)
        assert not any(bit & era.others for bit in bits)
        assert all(bit & (bit - 1) == 0 for bit in bits)


def test_eras_follow_each_other():
    assert all(before.last < after.first for before, after in pairwise(ERAS))


@pytest.mark.parametrize("mode", [None, 0, 0x20, 0xD0, 0xCC0, 0x14000])
def test_a_number_that_a_cut_may_have_left_tells_no_version(mode):
    assert span_of_mode(mode, None) is None


def test_a_large_number_without_names_is_of_4_4():
    assert span_of_mode(0x2080020, None) == ((4, 4, 0), (4, 9, 999))


@pytest.mark.parametrize(
    ("names", "order", "kills"),
    [
        ("GFP_KERNEL", 0, True),
        ("GFP_KERNEL", 3, True),
        ("GFP_KERNEL", 4, False),
        ("GFP_KERNEL|__GFP_NORETRY", 0, False),
        ("GFP_KERNEL|__GFP_RETRY_MAYFAIL", 0, False),
        ("GFP_KERNEL|__GFP_THISNODE", 0, False),
        ("GFP_NOFS", 0, False),
        ("GFP_NOIO", 0, False),
        ("GFP_ATOMIC", 0, False),
        ("GFP_NOWAIT", 0, False),
        ("GFP_KERNEL|GFP_DMA", 0, False),
        ("GFP_KERNEL|GFP_DMA32", 0, False),
        ("GFP_HIGHUSER_MOVABLE", 0, True),
        ("GFP_KERNEL|__GFP_REPEAT", 0, True),
    ],
)
def test_when_the_oom_killer_is_called(names, order, kills):
    assert request_of(order, None, names, ANY).ends_in_oom_killer is kills


@pytest.mark.parametrize(
    ("mode", "names", "kernel", "mark"),
    [
        (None, "GFP_KERNEL", "6.1", 1000),
        (None, "GFP_ATOMIC", "6.1", 375),
        (None, "GFP_ATOMIC|__GFP_NOMEMALLOC", "5.4", 500),
        (None, "GFP_NOWAIT", "5.4", 1000),
        (None, "GFP_NOWAIT|__GFP_HIGH|__GFP_NOTRACK", "4.5", 500),
        (0x820, None, "6.7", 375),
        (0x20, None, "2.6.30", 375),
        (0x0 | 0x4000, None, "2.6.30", 750),  # GFP_NOWAIT with __GFP_COMP
        (0x400000, None, "3.10", 1000),  # that does not wake kswapd either
        (0x2000000, None, "4.4", 1000),
        (0x2080020, None, "4.4", 375),
    ],
)
def test_how_far_below_min_it_may_go(mode, names, kernel, mark):
    assert request_of(0, mode, names, version(kernel)).effective(1000) == mark


def test_nothing_known_is_a_plain_request():
    assert request_of(3, None, None) == Request(3)
    assert request_of(3, 0, None) == Request(3)
