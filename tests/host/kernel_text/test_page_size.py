"""The page size of a text, by what it has."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text.state import Options

ROW = "Node 0, zone   Normal     31     47     42     64      1      0      0      0      0      0      0 \n"
X86_ZONES = (
    "Node 0 DMA free:16kB min:132kB low:164kB high:196kB present:15984kB managed:15900kB\n"
    "Node 0 DMA32 free:468kB min:15756kB low:18668kB high:21580kB present:1489480kB\n"
)


@pytest.mark.parametrize(
    ("text", "page_kb"),
    [
        pytest.param("DMA: 1*4kB 0*8kB 0*16kB = 4kB", 4, id="first-size"),
        pytest.param("Normal: 191*64kB (MR) 0*128kB 0*256kB = 12224kB", 64, id="first-size-64"),
        pytest.param("Normal: ... 3*1024kB 2*2048kB 3*4096kB 0*8192kB = 25400kB", None, id="first-sizes-left-out"),
        pytest.param("Normal free:372kB min:98kB low:122kB\nactive_file:1 free:93 slab:1", 4, id="header"),
        pytest.param("Normal free:744kB min:98kB low:122kB\nactive_file:1 free:93 slab:1", 8, id="header-8"),
        pytest.param(ROW + "MemFree:          6600 kB", 8, id="meminfo"),
        pytest.param(ROW + "MemFree:         50000 kB", 64, id="meminfo-64"),
        pytest.param(ROW + "MemFree:         20000 kB", None, id="meminfo-of-another-moment"),
        pytest.param(ROW[:43] + "\n" + "x" * 43 + "\nMemFree:         3284 kB", None, id="cut-row-says-nothing"),
        pytest.param(ROW + "RIP: 0010:warn_alloc+0x1/0x2", 4, id="x86"),
        pytest.param(X86_ZONES, 4, id="zones-of-x86_64"),
        pytest.param(ROW + "[<c0013b64>] (unwind_backtrace+0x0/0xf0) from [<c0092ecc>]", 4, id="arm"),
        pytest.param(ROW + "[   12.345678]  unwind_backtrace from show_stack+0x18/0x1c", 4, id="arm-since-5.18"),
        pytest.param(ROW + "an unwind_backtrace from nowhere", None, id="a-sentence"),
        pytest.param(ROW + "[<ffff000008089c10>] unwind_backtrace+0x0/0x1a0", None, id="arm64-has-three"),
        pytest.param(ROW, None, id="nothing"),
    ],
)
def test_page_size(text, page_kb):
    assert explain(text).page_bytes == (page_kb and page_kb * 1024)


def test_given_page_size_overrides_the_text():
    assert explain("DMA: 1*4kB 0*8kB 0*16kB = 4kB", Options(page_kb=8)).page_bytes == 8192


LARGE = "... 3*1024kB 2*2048kB 3*4096kB 0*8192kB = 25400kB"


@pytest.mark.parametrize(
    ("listed", "length", "verdict", "reason"),
    [
        pytest.param(LARGE, 5283840, "refused", "fragmented", id="no-8-MB"),
        pytest.param(LARGE, 3000000, None, "unknown", id="marks-decide"),
        pytest.param("[...] 0*1024kB 0*2048kB 0*4096kB = 900kB", 2000000, "refused", "too-little-memory", id="little"),
        pytest.param("<snip> 0*4096kB = 9000kB", 60000, None, "unknown", id="smaller-blocks-are-left-out"),
    ],
)
def test_blocks_in_kb_answer_for_every_page_size(listed, length, verdict, reason):
    text = f"# nommu: Allocation of length {length} from process 36 (ld) failed\n#   Normal: {listed}\n"
    (failure,) = explain(text).failures
    assert (failure.answer.verdict, failure.answer.reason, failure.order) == (verdict, reason, None)
