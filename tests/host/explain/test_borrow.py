"""A dump a moment before or after a failure: used with its distance in time, and only where it is near."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines
from buddywatch.kernel_text.state import Options

DUMP = """\
[{at}] Normal free:372kB min:984kB low:1228kB high:1476kB present:65536kB
[{at}] lowmem_reserve[]: 0 0
[{at}] Normal: 93*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 372kB
"""
FAILED = "[{at}] mmcqd/0: page allocation failure: order:0, mode:0x20\n"
OLD = Options(release="3.18.0")


def case_of(text):
    return explain(text, OLD).failures[-1]


def dump(at):
    return DUMP.format(at=f"{at:12.6f}")


def failed(at):
    return FAILED.format(at=f"{at:12.6f}")


@pytest.mark.parametrize(
    ("text", "gap_s"),
    [
        pytest.param(dump(74.31) + failed(74.58), -0.27, id="before"),
        pytest.param(failed(74.58) + "[   74.600000] Mem-Info:\n" + dump(74.61), None, id="with-it"),
        pytest.param(failed(74.58) + failed(74.59) + dump(74.61), None, id="of-the-newest"),
        pytest.param(dump(70.0) + "[   74.000000] Mem-Info:\n" + dump(74.0) + failed(74.58), -0.58, id="nearer"),
        pytest.param(failed(70.0) + dump(70.1) + failed(71.5), -1.4, id="of-a-failure-before"),
    ],
)
def test_nearest_dump_answers(text, gap_s):
    case = case_of(text)
    assert (case.answer.verdict, case.answer.margin_pages) == ("refused", -1)
    assert case.state_gap_s == (None if gap_s is None else pytest.approx(gap_s, abs=1e-6))
    assert ("borrowed-state" in case.notes) is (gap_s is not None)


def test_distance_is_said():
    text = " ".join(" ".join(report_lines(explain(dump(74.31) + failed(74.58), OLD))).split())
    assert "Free 0.3 s before, by line 1" in text
    assert "Free then" not in text


def test_dump_of_minutes_before_a_failure_with_its_own_is_left_alone():
    first, second = explain(failed(70.0) + dump(70.1) + failed(370.0), OLD).failures
    assert first.state_gap_s is None
    assert second.state is None


def test_without_stamps_the_place_decides_and_no_distance_is_said():
    def bare(text):
        return "".join(line.partition("] ")[2] + "\n" for line in text.splitlines())

    case = case_of(bare(dump(74.31)) + "\n" + bare(failed(74.58)))
    assert (case.answer.verdict, case.state_gap_s) == ("refused", None)
    assert "borrowed-state" in case.notes


@pytest.mark.parametrize("is_torn_before", [True, False])
def test_of_the_states_beside_it_the_one_in_which_it_fails_is_the_reason(is_torn_before):
    failing = "Allocation of length 61440 from process 205 (rm) failed\n"
    zone = "Node 0, zone DMA\n  pages free {}\n        min {}\n        low {}\n        high {}\n"
    torn = "Node 0, zone DMA 76 72 76 75 1 0 0 0 0 0 0\n" + zone.format(1140, 90, 112, 135)
    room = "Node 0, zone DMA 92 84 87 84 4 0 0 0 0 0 0\n" + zone.format(1344, 15, 18, 22)
    # The nearer one is the one with room.
    text = torn + "\n" * 200 + failing + room if is_torn_before else room + failing + "\n" * 200 + torn
    case = explain(text, Options(release="2.6.30", page_kb=4)).failures[-1]
    assert (case.answer.verdict, case.answer.margin_pages, case.order) == ("refused", -5, 4)
    assert "borrowed-state" in case.notes
