"""How trials on a board are judged, on trials of an emulated rv64 with two processors: no board is needed."""

import pytest
from buddyd import watermark
from truth import judge

# Requests by mmap: bytes, granted, reclaimable, free pages by the kernel's count, and in blocks before and after.
LINES = [
    "page 4096",
    "marks 113 141 169",
    "trial 49152 0 0 125 7,3,9,2,0,0,1,0,0,0,0 7,3,9,2,0,0,1,0,0,0,0",
    "trial 45056 0 0 128 20,3,4,1,1,0,1,0,0,0,0 20,3,4,1,1,0,1,0,0,0,0",
    "trial 40960 1 0 130 0,0,0,0,0,0,2,0,0,0,0 0,1,1,0,1,1,1,0,0,0,0",
    "end",
]


@pytest.mark.parametrize(
    ("is_smp", "verdicts", "margins"),
    [
        (True, [watermark.REFUSED, watermark.REFUSED, watermark.TIGHT], [-4, -1, 1]),
        (False, [watermark.TIGHT, watermark.TIGHT, watermark.REFUSED], [0, 1, -1]),
    ],
)
def test_on_an_smp_kernel_the_count_decides_and_else_the_blocks(is_smp, verdicts, margins):
    report = judge("6.1.176", "mmap", LINES, is_smp)
    assert [trial.verdict for trial in report.trials] == verdicts
    assert [trial.margin_pages for trial in report.trials] == margins
    assert len(report.disagreements()) == (0 if is_smp else 3)
