"""vmalloc and vmap failures of every era: address space, the single pages in it, and sizes that are wrong."""

import pytest
from buddywatch.explain.answer_json import explanation_json
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines

TASK = "CPU: 0 PID: 1134 Comm: kmodloader Not tainted {} #0\n"
OLD_TASK = "Pid: 1134, comm: kmodloader Not tainted {} #0\n"
TRACE_32 = "[<c010ef68>] (unwind_backtrace) from [<c010ac14>] (show_stack+0x10/0x14)\n"
TRACE_64 = "[<ffffffff810ef685>] show_stack+0x10/0x14\n"

# kernel, text, (process, pid, bytes, order, reason)
ADDRESS_SPACE = [
    ("2.6.18", "allocation failed: out of vmalloc space - use vmalloc=<size> to increase size.\n", (None, None, None)),
    (
        "2.6.32",
        "vmap allocation for size 16781312 failed: use vmalloc=<size> to increase size.\nNVRM: failed to map registers",
        (None, None, 16781312),
    ),
    (
        "4.0",
        "vmap allocation for size 15736832 failed: use vmalloc=<size> to increase size.\n"
        "vmalloc: allocation failure: 15729534 bytes\nkmodloader: page allocation failure: order:0, mode:0xd0\n"
        + TASK.format("4.0.0"),
        ("kmodloader", 1134, 15729534),
    ),
    (
        "4.14",
        "[   13.998495] vmap allocation for size 430080 failed: use vmalloc=<size> to increase size\n"
        "[   14.006613] kmodloader: vmalloc: allocation failure: 425984 bytes, mode:0x14000c0(GFP_KERNEL), "
        "nodemask=(null)\n" + TASK.format("4.14.107"),
        ("kmodloader", 1134, 425984),
    ),
    (
        "5.15",
        "vmap allocation for size 2400256 failed: use vmalloc=<size> to increase size\n"
        "systemd-udevd: vmalloc error: size 2395133, vm_struct allocation failed, mode:0xcc0(GFP_KERNEL), "
        "nodemask=(null)\nCPU: 0 PID: 127 Comm: systemd-udevd Tainted: G        W         5.15.5-gentoo-PowerMac #1\n",
        ("systemd-udevd", 127, 2395133),
    ),
    (
        "6.12",
        "vmalloc_node_range for size 8192 failed: Address range restricted to 0xbf000000 - 0xbf800000\n"
        "insmod: vmalloc error: size 4096, vm_struct allocation failed. Retrying., mode:0xdc0(GFP_KERNEL|__GFP_ZERO), "
        "nodemask=(null),cpuset=/,mems_allowed=0\n",
        ("insmod", None, 4096),
    ),
]


def failures(text):
    return explanation_json(explain(text))["failures"]


def told(text):
    return "\n".join(report_lines(explain(text)))


def parts(failure):
    return failure["process"], failure["pid"], failure["requested_bytes"]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=k) for k, t, e in ADDRESS_SPACE])
def test_address_space_is_no_page(text, expected):
    (failure,) = failures(text)
    assert parts(failure) == expected
    assert (failure["order"], failure["reason"], failure["contiguous"]) == (None, "address-space", False)
    assert "vmalloc=SIZE" in told(text)
    assert "1 page" not in told(text)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("vmalloc: allocation failure, allocated 479232 of 487424 bytes\n"
         "xbmc.bin: page allocation failure: order:0, mode:0xd2\n", 0),
        ("emerge: vmalloc: allocation failure, allocated 8192 of 20480 bytes, "
         "mode:0x7080c0(GFP_KERNEL_ACCOUNT|__GFP_ZERO), nodemask=(null)\n", 0),
        ("x: vmalloc error: size 8192, page order 0, failed to allocate pages, mode:0xcc0(GFP_KERNEL)\n", 0),
        ("x: vmalloc error: size 2097152, page order 9, failed to allocate pages, mode:0xcc0(GFP_KERNEL)\n", 9),
        ("x: vmalloc error: size 8192, failed to allocate pages, mode:0xcc0(GFP_KERNEL)\n", 0),
        ("x: vmalloc error: size 8192, failed to allocated page array size 16, mode:0xcc0(GFP_KERNEL)\n", 0),
        ("x: vmalloc error: size 8192, failed to map pages, mode:0xcc0(GFP_KERNEL)\n", 0),
    ],
)  # fmt: skip
def test_a_page_of_vmalloc_is_a_page(text, order):
    (failure,) = failures(text)
    assert (failure["order"], failure["contiguous"]) == (order, bool(order))
    assert "vmalloc=SIZE" not in told(text)


def test_all_but_the_guard_page_means_that_mapping_failed():
    line = "vmalloc: allocation failure, allocated {} of 483328 bytes\nx: page allocation failure: order:0, mode:0xd2\n"
    assert "what failed was mapping them" in told(line.format(483328 - 4096))
    assert "471040 of 483328 bytes had been filled" in told(line.format(471040))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("vmalloc: allocation failure: 2214858752 bytes\nc: page allocation failure: order:0, mode:0x80d2\n" + TRACE_32,
         "too-large"),
        ("vmalloc: allocation failure: 2214858752 bytes\nc: page allocation failure: order:0, mode:0x80d2\n" + TRACE_64,
         "address-space"),
        ("c: vmalloc: allocation failure: 0 bytes, mode:0xdc0(GFP_KERNEL|__GFP_ZERO), nodemask=(null)\n", "too-large"),
        ("c: vmalloc error: size 99999999999, exceeds total pages, mode:0xcc0(GFP_KERNEL)\n", "too-large"),
        # 3 GB of a 32-bit space of 4 GB with an address space line: as large as it may be, it says itself what it was
        ("vmap allocation for size 3221225472 failed: use vmalloc=<size> to increase size\n" + TRACE_32,
         "address-space"),
    ],
)  # fmt: skip
def test_a_wrong_size_is_named(text, reason):
    (failure,) = failures(text)
    assert (failure["order"], failure["reason"]) == (None, reason)
    assert ("Correct the caller" in told(text)) == (reason == "too-large")


def test_two_failures_far_apart_are_two():
    line = "vmap allocation for size 430080 failed: use vmalloc=<size> to increase size\n"
    assert len(failures(line + "x" * 800 + "\n" + line)) == 2


def test_a_page_that_is_refused_later_is_a_failure_of_its_own():
    line = "vmap allocation for size 430080 failed: use vmalloc=<size> to increase size\n"
    found = failures(line + "x" * 800 + "\nrm: page allocation failure: order:0, mode:0xd0\n")
    assert [failure["order"] for failure in found] == [None, 0]
