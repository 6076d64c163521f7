"""A refused start damages the shell that tried it, on a kernel without an MMU before 3.18."""

from pathlib import Path

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.remedies import remedies
from buddywatch.kernel_text.state import Options

CAPTURES = Path(__file__).resolve().parents[2] / "fixtures" / "captures"
LOG = (CAPTURES / "frag-4k-bflt-2.6.30-files" / "dmesg.txt").read_text()
LOADER = "Unable to allocate RAM for process data, errno 12"


def retry(text, release=None):
    """The remedy of the newest failure that is about trying again; None if there is none."""
    found = remedies(explain(text, Options(release=release)).failures[-1])
    return next((remedy for remedy in found if remedy.what == "retry"), None)


@pytest.mark.parametrize(
    ("release", "is_told"),
    [("2.6.24", True), ("2.6.30-uc0", True), ("3.17.8", True), ("3.18", False), ("4.4.0-uc0", False), ("6.1", False)],
)
def test_trying_again_is_warned_of_where_it_does_harm(release, is_told):
    found = retry(LOG, release)
    assert (found is not None) == is_told
    if found:
        assert not found.helps
        assert "Do not try again from the same shell" in found.text and "fs/binfmt_flat.c" in found.text


@pytest.mark.parametrize(
    "later", ["", "Node 0, zone DMA 2 8 3 12 0 1 0 1 0 1 0\nMemFree: 3192 kB\nvm.min_free_kbytes = 360\n"]
)
def test_it_is_warned_of_too_where_the_numbers_are_missing_or_of_a_better_moment(later):
    text = "Linux version 2.6.30 (x)\nAllocation of length 61440 from process 205 (rm) failed\n" + later
    assert explain(text).failures[-1].answer.verdict != "refused"
    assert retry(text) is not None and retry(text, "6.1") is None


def test_where_the_numbers_say_that_it_succeeds_it_is_to_be_asked_from_another_shell():
    text = "Allocation of length 61440 from process 205 (rm) failed\nNode 0, zone DMA 2 8 3 12 0 1 0 1 0 1 0\n"
    text += "MemFree: 3192 kB\nvm.min_free_kbytes = 360\n"
    for release, begin in (("2.6.30", "ask again, from another shell: "), ("6.1", "ask again: ")):
        (limit, *_) = remedies(explain(text, Options(release=release)).failures[-1])
        assert (limit.what, limit.short.startswith(begin)) == ("look_for_a_limit", True)


def test_a_running_program_that_asks_for_more_is_no_start():
    line = "Allocation of length {} from process 9 (httpd) failed"
    dump = LOG.partition("Allocation of length 61440")[2].partition("\n")[2].replace(LOADER, "")
    more = "".join(f"{line.format(size)}\n{dump}" for size in (61440, 131072))
    assert retry("Linux version 2.6.30 (x)\n" + more) is None


def test_a_machine_with_an_mmu_is_not_warned():
    text = "Linux version 2.6.30 (x)\nrm: page allocation failure. order:4, mode:0xd0\nMem-Info:\n"
    dump = LOG.partition("Mem-Info:\n")[2].partition("Allocation of length")[0]
    assert explain(text + dump).failures
    assert retry(text + dump) is None
