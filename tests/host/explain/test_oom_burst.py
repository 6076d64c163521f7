"""One `dmesg` on a torn board with Linux 2.6.30: the OOM killer ended twelve programs before there was room."""

from pathlib import Path

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.remedies import remedies
from buddywatch.explain.report import report_parts
from buddywatch.text.document import text_lines

LOG = Path(__file__).resolve().parents[2] / "fixtures" / "captures" / "frag-4k-bflt-2.6.30-files" / "kmsg.txt"


@pytest.fixture(scope="module")
def explanation():
    return explain(LOG.read_text())


def test_victims_without_a_header_belong_to_the_request_before_them(explanation):
    """oom_kill_process() of 2.6.30 leaves the header out in a burst (printk_ratelimit())."""
    assert len(explanation.failures) == 9
    assert {case.name for case in explanation.failures} == {"dmesg"}
    last = explanation.failures[-1].message
    assert last.killed == ["start-60k (158)", "start-60k (161)", "start-60k (164)", "dmesg (225)"]


def test_victims_are_named_in_the_overview(explanation):
    text = " ".join(" ".join(text_lines(report_parts(explanation))).split())
    assert "9 times from line 1: dmesg asked for 8 pages (32 kB) in one piece" in text
    assert "the OOM killer killed buddyd (23), telnetd (20), start-60k (140)" in text
    assert "and 6 more" in text


def test_kills_that_are_far_from_a_header_are_their_own():
    text = LOG.read_text().replace("Killed process 158 (start-60k)\n", "Killed process 158 (start-60k)\n" + "x\n" * 500)
    assert len(explain(text).failures) == 9 + 3


def test_kernels_before_2_6_35_have_no_compaction_by_their_wording(explanation):
    found = {remedy.what: remedy.helps for remedy in remedies(explanation.failures[-1])}
    assert found.get("compaction") is not True
