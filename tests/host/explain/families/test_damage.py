"""The other messages behind prefixes, in quotes, folded by a terminal, and cut at any place."""

import pytest
from asking import failures
from buddywatch.explain.answers import explain

MESSAGES = {
    "vmalloc": [
        "vmap allocation for size 430080 failed: use vmalloc=<size> to increase size",
        "kmodloader: vmalloc: allocation failure: 425984 bytes, mode:0x14000c0(GFP_KERNEL), nodemask=(null)",
    ],
    "vmalloc-3.12": [
        "vmalloc: allocation failure: 2214858752 bytes",
        "camsrc:src: page allocation failure: order:0, mode:0x80d2",
    ],
    "cma": [
        "cma: cma_alloc: alloc failed, req-size: 2040 pages, ret: -12",
        "vc4-drm soc:gpu: failed to allocate buffer with size 8355840 ",
    ],
    "slab": [
        "SLUB: Unable to allocate memory on node -1 (gfp=0x20)",
        "  cache: kmalloc-4096, object size: 4096, buffer size: 4096, default order: 3, min order: 1",
    ],
    "oom": [
        "Out of memory: Killed process 13021 (kodi.bin) total-vm:1099788kB, anon-rss:148084kB, file-rss:113576kB, "
        "shmem-rss:0kB, UID:1000 pgtables:1484kB oom_score_adj:0",
    ],
    "group": [
        "Task in /a/b killed as a result of limit of /a",
        "memory: usage 524288kB, limit 524288kB, failcnt 38",
        "Memory cgroup stats for /a: cache:507172KB rss:448KB shmem:28KB",
        "Memory cgroup out of memory: Kill process 62685 (bash) score 0 or sacrifice child",
        "Killed process 62769 (cp)",
    ],
    "load": ["binfmt_flat: Unable to allocate RAM for process text/data, errno -12"],
    "2.4": ["__alloc_pages: 4-order allocation failed (gfp=0x1f0/0)"],
    "lowmemorykiller": [
        "lowmemorykiller: Killing '.networkupgrade' (6924), adj 705,",
        "   to free 20968kB on behalf of 'kswapd0' (543) because",
        "   cache 16240kB is below limit 16384kB for oom_score_adj 529",
        "   Free memory is -2192kB above reserved",
    ],
    "pool": ["percpu: allocation failed, size=200 align=8 atomic=1, alloc from reserved chunk failed"],
    "hung": ["INFO: task jbd2/sda1-8:207 blocked for more than 120 seconds."],
    "stall": [
        "cc1: page allocation stalls for 10004ms, order:0, mode:0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null)"
    ],
}
PREFIXES = [
    "<4>[  533.797044] {}",
    "[  533.797044][   T94] {}",
    "kern  :warn  : [  533.797044] {}",
    "[Sun Nov 22 10:00:00 2026] {}",
    "Nov 22 10:00:00 board kernel: [  533.797044] {}",
    "Nov 22 10:00:00 board kernel: : [  533.797044] {}",
    "2026-11-22T10:00:00.123456+01:00 board kernel: {}",
    "11-22 10:00:00.123     0     0 W kernel  : [  533.797044] {}",
    "root@board:~# [  533.797044] {}",
    "/ # {}",
    "123:{}",
    "> > {}",
    "- {}",
    "`{}`",
    '"{}"',
    '{{"log":"{}\\n","stream":"stdout"}}',
    "<td>{}</td>",
    "<tr><td>533.79</td><td class=\"msg\">{}</td></tr>",
]  # fmt: skip


def parts(text):
    """What is known of each failure and of each aside."""
    keys = ("kind", "process", "requested_bytes", "order", "reason", "killed", "for")
    asides = [(notice.form, notice.process, notice.pid) for notice in explain(text).asides]
    return [tuple(map(str, (failure[key] for key in keys))) for failure in failures(text)] + asides


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_changes_nothing(name, prefix):
    lines = MESSAGES[name]
    assert parts("\n".join(prefix.format(line) for line in lines) + "\n") == parts("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_fold_changes_nothing(name):
    lines = MESSAGES[name]
    whole = parts("\n".join(lines) + "\n")
    for width in range(60, 121, 4):
        folded = [line[start : start + width] for line in lines for start in range(0, len(line), width)]
        assert parts("\n".join(folded) + "\n") == whole, width


@pytest.mark.parametrize("name", MESSAGES)
def test_damaged_digits_are_still_numbers(name):
    """Lost or doubled digits: a leading zero, and a number of twenty digits."""
    text = "\n".join(MESSAGES[name]) + "\n"
    for digit in "123456789":
        parts(text.replace(digit, "0"))
        parts(text.replace(digit, digit * 8))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_cut_makes_nothing_else_of_it(name):
    text = "\n".join(MESSAGES[name]) + "\n"
    kinds = {part[0] for part in parts(text)} | {"page"}
    for end in range(1, len(text), 3):
        assert {part[0] for part in parts(text[:end])} <= kinds, text[:end]
