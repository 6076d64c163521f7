"""Linux 2.4, Android's low memory killer, and lines that are no failures."""

import pytest
from asking import failures, parts, told
from buddywatch.explain.answers import explain


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("__alloc_pages: 4-order allocation failed (gfp=0x1f0/0)", 4),
        ("__alloc_pages: 0-order allocation failed (gfp=0x1d2/0)", 0),
        ("Nov 22 10:00:00 host kernel: __alloc_pages: 2-order allocation failed (gfp=0x20/1)", 2),
        ("__alloc_pages: 3-order allocation failed.", 3),
    ],
)
def test_linux_2_4_is_read_but_not_judged(line, order):
    assert parts(line) == [(None, None, None, order, "other-rule")]
    assert failures(line)[0]["verdict"] is None
    assert ("does not compute this kernel's answer" in told(line)) == (order > 0)
    assert ("no matter of large blocks" in told(line)) == (order == 0)
    assert "Linux 2.4 (by its wording" in told(line)
    assert ("could not wait" in told(line)) == ("gfp=0x20/" in line)


def test_a_state_beside_it_is_not_judged_by_a_rule_of_2_6():
    row = "Node 0, zone      DMA     31     47     42     64      0      0      0      0      0      0      0\n"
    assert failures(row + "__alloc_pages: 4-order allocation failed (gfp=0x1f0/0)\n")[0]["verdict"] is None


def test_uclinux_2_4_hands_out_runs():
    assert parts("sh: allocation of 33 pages failed!\n") == [("sh", None, None, None, "other-rule")]
    assert "33 pages in one piece" in told("sh: allocation of 33 pages failed!\n")


KILLING = (
    "lowmemorykiller: Killing '.networkupgrade' (6924), adj 705,\n"
    "   to free 20968kB on behalf of 'kswapd0' (543) because\n"
    "   cache 16240kB is below limit 16384kB for oom_score_adj 529\n"
    "   Free memory is -2192kB above reserved\n"
)
SIGKILL = "send sigkill to 1234 (com.android.foo), adj 8, size 5102\n"
ESCAPED = (
    "[  149.950550] lowmemorykiller: Killing 'd.process.media' (2846) (tgid 2846), adj 999,\\x0ato free 81288kB on "
    "behalf of 'kswapd0' (136) because\\x0acache 321644kB is below limit 322560kB for oom score 950\\x0aFree memory "
    "is 160548kB above reserved.\\x0aFree CMA is 6008kB\n"
)
SPACED = (
    "<6>[302600.931727]  (4)[10628:Cam@AuxSensorCo]lowmemorykiller: Killing 'android.browser' (28649), adj 18, "
    "score_adj 1000,\n\n<6>[302600.931727]    to free 72464kB on behalf of 'Cam@AuxSensorCo' (10628) because\n\n"
    "<6>[302600.931727]    cache 1000628kB is below limit 322560kB for oom_score_adj 0\n"
)
REASON = (
    "18:02:17 lowmemorykiller: Kill 'com.example.app' (24017), uid 10123, oom_score_adj 0 to free 4963256kB rss, 0kB "
    "swap; reason: min watermark is breached even after kill\n"
)
LMKD = "lmkd: Kill 'com.foo' (321), uid 10051, oom_score_adj 900 to free 20480kB\n"


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        (KILLING, [[".networkupgrade (6924)"]]),
        (SIGKILL, [["com.android.foo (1234)"]]),
        (LMKD, [["com.foo (321)"]]),
        (ESCAPED, [["d.process.media (2846)"]]),
        (SPACED, [["android.browser (28649)"]]),
        (REASON, [["com.example.app (24017)"]]),
        ("lowmemorykiller: Kill 'launcher' (11) to free 1kB", [["launcher (11)"]]),
        (KILLING + KILLING.replace("6924", "7"), [[".networkupgrade (6924)"], [".networkupgrade (7)"]]),
        (KILLING.split("because\n")[1], [[]]),
    ],
)
def test_androids_killer_is_no_failed_request(text, killed):
    found = failures(text)
    assert [failure["killed"] for failure in found] == killed
    assert {(failure["reason"], failure["contiguous"]) for failure in found} == {("low-memory-killer", False)}
    assert "No allocation failed" in told(text)


def test_what_androids_killer_says_is_told():
    assert "321644 kB, was below the threshold of 322560 kB" in told(ESCAPED)
    assert "1000628 kB, was below 322560 kB, which it was not" in told(SPACED)
    assert "Its reason (lmkd): min watermark is breached even after kill" in told(REASON)
    assert "frees 4963256 kB" in told(REASON)


def test_a_subject_is_no_failure():
    assert parts("Subject: Re: Hard Hang with __alloc_pages: 0-order allocation failed (gfp=0x20/1)\n") == []


def test_a_quoted_line_is_told_once():
    line = "[   46.330733] TCP: out of memory -- consider tuning tcp_mem\n"
    assert len(parts(line + "> " + line)) == 1
    assert len(parts(line + line.replace("733]", "734]"))) == 2


ASIDES = [
    ("INFO: task jbd2/sda1-8:207 blocked for more than 120 seconds.", "jbd2/sda1-8 (207) waited for more than 120 s"),
    ("INFO: task kworker/0:1:21 <blocker> blocked for more than 30 seconds.", "kworker/0:1 (21) waited"),
    ("cc1: page allocation stalls for 10004ms, order:0, mode:0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null)",
     "cc1: a request for 1 page took more than 10004 ms"),
    ("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kswapd0:40]", "kswapd0 (40) kept a CPU for 22 s"),
    ("rcu: INFO: rcu_sched self-detected stall on CPU", "RCU stall"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), ASIDES)
def test_what_only_waits_is_told_apart(line, words):
    assert parts(line) == []
    assert words in told(line)
    explanation = explain(line)
    assert not explanation.is_empty
    assert not explanation.is_bad_news


def test_the_same_line_many_times_is_told_once():
    text = "\n".join([ASIDES[0][0]] * 7)
    assert told(text).count("waited for more than") == 1
    assert "7 such lines" in told(text)
