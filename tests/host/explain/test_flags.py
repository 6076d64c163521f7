"""What a request's flags change: the zones' answer, the words, the OOM killer."""

import pytest
from asking import failures, told

ZONES = (
    "Mem-Info:\n"
    "Node {node} DMA free:104024kB min:{min}kB low:200kB high:300kB reserved_highatomic:0KB present:131072kB "
    "managed:120000kB free_cma:0kB\n"
    "lowmem_reserve[]: 0 0 0\n"
    "Node {node} DMA: 26006*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB "
    "= 104024kB\n"
)


def dump(*minimums):
    first, *others = [ZONES.format(node=node, min=minimum) for node, minimum in enumerate(minimums)]
    return first + "".join(other.removeprefix("Mem-Info:\n") for other in others)


def failed(flags, zones=None, nodemask="(null)"):
    line = (
        f"x: page allocation failure: order:0, mode:0x1(GFP_{flags}), nodemask={nodemask},cpuset=/,mems_allowed=0-1\n"
    )
    return line + "CPU: 0 PID: 7 Comm: x Not tainted 6.7.0 #1\n" + (dump(100) if zones is None else zones)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("KERNEL|__GFP_NORETRY", "gives up early (__GFP_NORETRY)"),
        ("KERNEL|__GFP_RETRY_MAYFAIL", "refuses rather than call the OOM killer"),
        ("ATOMIC", "may use a part of the reserve"),
        ("NOWAIT", "may use no part of the reserve"),
        ("ATOMIC|__GFP_NOMEMALLOC", "may not use the reserve either"),
        ("NOFS", "call no file system (GFP_NOFS)"),
        ("NOIO", "start no I/O (GFP_NOIO)"),
        ("KERNEL|__GFP_NOFAIL", "must not fail"),
        ("KERNEL|GFP_DMA32", "the zone DMA32 or below"),
    ],
)
def test_flags_are_told(flags, words):
    assert words in told(failed(flags))


def test_usual_flags_need_no_words():
    assert "__GFP" not in told(failed("KERNEL"))


def test_a_request_that_gives_up_early_explains_a_refusal_that_the_numbers_do_not():
    answer = told(failed("KERNEL|__GFP_NORETRY"))
    assert "That is how a request with __GFP_NORETRY ends" in answer
    assert "a patch of this kernel" not in answer
    assert "oom-killer" not in failures(failed("KERNEL|__GFP_NORETRY"))[0]["notes"]
    assert "oom-killer" in failures(failed("KERNEL"))[0]["notes"]


@pytest.mark.parametrize(
    ("marks", "nodemask", "verdict"),
    [
        ((100, 200000), "(null)", None),  # one of two nodes, and they differ
        ((100, 100), "(null)", "ok"),
        ((200000, 200000), "(null)", "refused"),
        ((100, 200000), "0", "ok"),
        ((100, 200000), "1", "refused"),
        ((100, 200000), "0-1", "ok"),
    ],
)
def test_memory_on_other_nodes_does_not_count(marks, nodemask, verdict):
    flags = "KERNEL|__GFP_THISNODE" if nodemask == "(null)" else "KERNEL"
    assert failures(failed(flags, dump(*marks), nodemask))[0]["verdict"] == verdict


def test_the_mode_may_stand_lines_below():
    text = (
        "swapper/3: page allocation failure: order:0\nStack : 00000000 00000000 01080020\n"
        ", mode:0x1080020(GFP_ATOMIC), nodemask=\n 80071de8\n(null)\n"
    )
    (failure,) = failures(text)
    assert (failure["process"], failure["order"], failure["can_wait"]) == ("swapper/3", 0, False)
    assert "oom-killer" not in failure["notes"]


def test_the_name_may_stand_lines_above():
    text = (
        "swapper/3: \nStack : 00000000 00000000\npage allocation failure: order:0\n 01080020\n"
        ", mode:0x1080020(GFP_ATOMIC), nodemask=\n"
    )
    (failure,) = failures(text)
    assert (failure["process"], failure["order"], failure["can_wait"]) == ("swapper/3", 0, False)


def test_without_a_name_the_task_below_has_it():
    text = "page allocation failure: order:7, mode:0xcc0(GFP_KERNEL)\nCPU: 0 PID: 62 Comm: echo Not tainted 5.18.0 #1\n"
    (failure,) = failures(text)
    assert (failure["process"], failure["pid"], failure["order"]) == ("echo", 62, 7)


def test_that_the_oom_killer_was_called_is_told():
    text = "date invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\n"
    assert "called the OOM killer" in told(text)
