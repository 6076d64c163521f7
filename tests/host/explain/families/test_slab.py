"""SLUB and SLAB: which cache called for the pages, after the allocator's message and alone."""

import pytest
from asking import failures, parts, told

OLD = (
    "SLUB: Unable to allocate memory on node -1 (gfp=0x20)\n"
    "  cache: kmalloc-4096, object size: 4096, buffer size: 4096, default order: 3, min order: {}\n"
    "  node 0: slabs: 12, objs: 96, free: 0\n"
)
NEW = (
    "SLUB: Unable to allocate memory on node -1, gfp=0xa20(GFP_ATOMIC)\n"
    "  cache: skbuff_head_cache, object size: 224, buffer size: 256, default order: 0, min order: {}\n"
)
NEWEST = (
    "SLUB: Unable to allocate memory on CPU#1 (of node 0) on node -1, gfp=0x820(GFP_ATOMIC)\n"
    "  cache: kmalloc-8k, object size: 8192, buffer size: 8192, default order: 3, min order: {}\n"
)
SLAB = (
    "SLAB: Unable to allocate memory on node 0 (gfp=0x20)\n"
    "  cache: size-4096, object size: 4096, order: {}\n"
    "  node 0: slabs: 5/5, objs: 5/5, free: 0\n"
)
PAGE = "ksoftirqd/0: page allocation failure: order:1, mode:0x4020\n"


@pytest.mark.parametrize("text", [OLD, NEW, NEWEST, SLAB])
@pytest.mark.parametrize("order", [0, 1])
def test_a_cache_alone_is_a_request_for_its_least_order(text, order):
    assert parts(text.format(order)) == [(None, None, None, order, "unknown")]
    assert failures(text.format(order))[0]["contiguous"] is bool(order)
    assert "small objects" in told(text.format(order))


@pytest.mark.parametrize("text", [OLD, NEW, NEWEST, SLAB])
def test_after_the_allocators_message_it_says_what_for(text):
    assert parts(PAGE + text.format(1)) == [("ksoftirqd/0", None, None, 1, "unknown")]
    name = {OLD: "kmalloc-4096", NEW: "skbuff_head_cache", NEWEST: "kmalloc-8k", SLAB: "size-4096"}[text]
    assert f"of the cache {name}" in told(PAGE + text.format(1))


GROUP = (
    "SLUB: Unable to allocate memory on node -1 (gfp=0x2088020)\n"
    "  cache: mnt_cache(9946:ea4c61d01895b46bf04a9b8c54602a4a6fff12ca7341b3b21f879414c120da79), object size: 384, "
    "buffer size: 384, default order: 2, min order: 0\n"
)


def test_a_cache_of_a_control_group_alone_is_its_limit():
    assert parts(GROUP) == [(None, None, None, 0, "control-group")]
    assert "The control group ea4c61d01895b46bf04a9b8c54602a4a6fff12ca7341b3b21f879414c120da79 was at" in told(GROUP)


def test_a_cache_of_a_control_group_after_the_allocators_message_is_a_lack_of_pages():
    (failure,) = failures(PAGE + GROUP)
    assert failure["reason"] == "unknown"
    assert "of the cache mnt_cache(9946:" in told(PAGE + GROUP)


def test_two_messages_with_two_caches_are_two():
    assert len(parts(PAGE + OLD.format(1) + PAGE + OLD.format(1))) == 2


def test_without_the_line_of_the_cache_its_size_is_unknown():
    assert parts("SLUB: Unable to allocate memory on node -1 (gfp=0x20)\n") == [(None, None, None, None, "unknown")]
