"""What a file is, by its content."""

from pathlib import Path

import pytest
from buddywatch.doctor import files
from buddywatch.doctor.busybox import removes_files, run_by_the_shell, version_in
from buddywatch.doctor.facts import BoardFacts
from buddywatch.doctor.proc_text import facts_of
from buddywatch.doctor.unknown import unknown_things
from programfiles import flat

TOP = Path(__file__).resolve().parents[3]
CAPTURE = TOP / "tests/fixtures/captures/frag-4k-bflt-2.6.30-cron"
BANNER = b"\0\0Linux version 2.6.30-uc0 (root@vm) (gcc version 4.2.1) #2\0"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (flat(), files.PROGRAM),
        (b"\x7fELF" + bytes(60), files.PROGRAM),
        (b"\x7fELF" + bytes(60) + BANNER, files.KERNEL),
        (bytes(64) + BANNER, files.KERNEL),
        (bytes(64), files.TEXT),
        ((TOP / "agent/board/busybox/config").read_bytes(), files.CONFIGURATION),
        ((TOP / "agent/board/rootfs/init").read_bytes(), files.SCRIPT),
        (b"/bin/mount -t proc proc /proc\n/bin/httpd &\n", files.SCRIPT),
        ((CAPTURE / "dmesg.txt").read_bytes(), files.TEXT),
        ((CAPTURE / "proc/meminfo").read_bytes(), files.TEXT),
        ((CAPTURE / "proc/buddyinfo").read_bytes(), files.TEXT),
        (b"", files.TEXT),
        (b"\xff\xfe#!", files.TEXT),
    ],
)
def test_kind_is_known_by_the_content(content, kind):
    assert files.kind_of(content) == kind


def test_kernel_image_has_its_release():
    assert files.release_in(BANNER) == "2.6.30-uc0"
    assert files.release_in(bytes(99)) is None
    assert files.has_no_mmu(b"uClinux version 2.6.30") and files.has_no_mmu(b"\0nr_trim_pages\0")
    assert files.has_no_mmu(BANNER) is None


def test_configuration_has_what_is_set_and_what_is_not():
    text = "CONFIG_A=y\n# CONFIG_BCD is not set\nCONFIG_TRIM=1\nMALLOC_SIMPLE=y\nnoise=1\n"
    assert files.options_in(text) == {"CONFIG_A": "y", "CONFIG_BCD": "n", "CONFIG_TRIM": "1", "MALLOC_SIMPLE": "y"}


def test_busybox_says_its_version_and_that_says_what_its_shell_runs():
    assert version_in(b"\0BusyBox v1.13.3 (2010-02-17)\0") == (1, 13)
    assert version_in(b"BusyBox") is None
    assert {"rm", "cat", "sleep", "printf"} <= run_by_the_shell((1, 13)) and "unlink" not in run_by_the_shell((1, 13))
    assert {"unlink", "kill", "truncate"} <= run_by_the_shell((1, 37)) and "rm" not in run_by_the_shell((1, 37))
    assert "sleep" not in run_by_the_shell((1, 18))
    assert [removes_files(version) for version in ((1, 26), (1, 27), (1, 28))] == ["rm FILE", "", "unlink FILE"]


def test_proc_text_has_marks_trimming_and_memory():
    names = ("zoneinfo", "meminfo", "buddyinfo", "vmstat", "version")
    text = "\n".join((CAPTURE / "proc" / name).read_text() for name in names)
    values = "nr_trim_pages = 1\nmin_free_kbytes = 360\n"
    found = facts_of(text + values)
    assert (found.release, found.no_mmu, found.page_bytes) == ("2.6.30", True, 4096)
    assert (found.trim_pages, found.min_free_kb, found.memory_kb) == (1, 360, 2032 * 4)
    assert facts_of("") == BoardFacts()
    assert facts_of("MemTotal: 6580 kB\nMemFree: 3000 kB\nCached: 0 kB\n").memory_kb is None
    newer = facts_of("Linux version 6.1.192 x\nMemTotal: 6580 kB\nMemFree: 3000 kB\nCached: 0 kB\n")
    assert newer.memory_kb == 6580


def test_what_is_not_known_is_said():
    assert len(unknown_things(BoardFacts())) == 7
    assert unknown_things(BoardFacts(no_mmu=False)) != []
    assert all("MMU" in what for what in unknown_things(BoardFacts(no_mmu=False)))
