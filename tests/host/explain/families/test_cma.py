"""CMA: its failures of all versions, the places that it could not empty, its map, the driver's line."""

import pytest
from asking import failures, parts, told

BUFFER = "vc4-drm soc:gpu: failed to allocate buffer with size {}\n"
BUSY = "alloc_contig_range: [2f100, 2f20a) PFNs busy\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12\n", [None], id="4.8"),
        pytest.param("cma: __cma_alloc: linux,cma: alloc failed, req-size: 2040 pages, ret: -16\n", [None], id="5.12"),
        pytest.param("__cma_alloc: linux,cma: alloc failed, req-size: 1 pages, ret: -4\n", [None], id="6.x"),
        pytest.param(
            "cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12\n" + BUFFER.format(8355840),
            [8355840],
            id="with-the-driver",
        ),
        pytest.param(BUSY + BUFFER.format(1089536), [1089536], id="busy-first"),
        pytest.param(BUFFER.format(4096) + BUFFER.format(4096), [4096, 4096], id="two-buffers"),
        pytest.param(
            "cma: cma_alloc: alloc failed, req-size: 4 pages, ret: -12\n"
            "cma: number of available pages: 3@125+1@200+2@300=> 6 free of 16384 total pages\n",
            [None],
            id="with-its-map",
        ),
        pytest.param(BUSY + BUSY, [None], id="busy-alone"),
        pytest.param("cma: Failed to reserve 256 MiB\n", [None], id="at-boot"),
    ],
)
def test_each_failure_is_one(text, expected):
    assert parts(text) == [(None, None, size, None, "cma") for size in expected]
    assert all(failure["contiguous"] for failure in failures(text))


def test_the_map_says_the_largest_run():
    text = told(
        "cma: cma_alloc: alloc failed, req-size: 4 pages, ret: -12\n"
        "cma: number of available pages: 3@125+1@200+2@300=> 6 free of 16384 total pages\n"
    )
    assert "6 of the area's 16384 pages were free, the largest run of them 3 pages" in text


def test_the_page_size_follows_from_the_drivers_size():
    failed = "cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12\n"
    assert "8160 kB, pages of 4 kB" in told(failed + BUFFER.format(2040 * 4096))
    assert "pages of 64 kB" in told(failed + BUFFER.format(2040 * 65536))
    assert "with pages of 4 kB" in told(failed + BUFFER.format(2040 * 4096 + 1))


@pytest.mark.parametrize(("errno", "word"), [(12, "ENOMEM"), (16, "EBUSY"), (4, "signal"), (22, "-22")])
def test_each_errno_means_something_else(errno, word):
    assert word in told(f"cma: cma_alloc: alloc failed, req-size: 4 pages, ret: -{errno}\n")


def test_a_busy_range_after_a_failure_is_of_the_next_request():
    failed = "cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12\n"
    assert [part[2] for part in parts(failed + BUSY + BUFFER.format(1089536))] == [None, 1089536]


def test_busy_ranges_without_an_end_are_no_certain_failure():
    assert "Whether the request failed in the end is not in the text" in told(BUSY)
    assert "in the end" not in told(BUSY + BUFFER.format(1089536))


def test_a_buffer_much_later_is_another_failure():
    failed = "cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12\n"
    assert len(parts(failed + "x" * 900 + "\n" + BUFFER.format(4096))) == 2
