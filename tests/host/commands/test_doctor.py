"""`buddywatch doctor`: what to change on a board, from its data and its files."""

from pathlib import Path

import docs_pages
import pytest
from boards import boot, snapshot
from mapboards import PROGRAMS, put_map
from programfiles import flat

TOP = Path(__file__).resolve().parents[3]
PROC = TOP / "tests/fixtures/captures/frag-4k-bflt-2.6.30-cron/proc"


@pytest.fixture
def board_files(tmp_path):
    (tmp_path / "busybox").write_bytes(flat(text=64, data=8_000, bss=40_000, stack=8192) + b"BusyBox v1.13.3 (x)\0")
    (tmp_path / "rcS").write_text("#!/bin/sh\n/bin/mount -t proc proc /proc\n/usr/sbin/telnetd\nexec /bin/sh\n")
    (tmp_path / "nr_trim_pages").write_text("1\n")
    return [str(tmp_path / name) for name in ("busybox", "rcS", "nr_trim_pages")]


def test_files_alone_say_what_to_change_first(buddywatch, board_files):
    result = buddywatch("doctor", *board_files, str(PROC / "meminfo"), str(PROC / "buddyinfo"))
    assert (result.code, result.err) == (1, "")
    assert result.lines[0].startswith("1. Set vm.nr_trim_pages to 0 at the end of the boot script")
    assert "   Boot script: echo 0 > /proc/sys/vm/nr_trim_pages" in result.lines
    text = " ".join(result.out.split())
    assert "2. Give busybox a stack of " in text and "BusyBox 1.13;" in text and "Hold one telnet session" in text
    assert "Not looked at: - what BusyBox' shell runs itself: give the .config of BusyBox" in text
    assert max(map(len, result.lines)) <= 78


def test_json_has_the_keys_of_the_page(buddywatch, board_files):
    answer = buddywatch("doctor", "--json", *board_files).json
    assert [finding["key"] for finding in answer["findings"]][:2] == ["nr_trim_pages", "filled_stack"]
    page = docs_pages.DOCS / "reference" / "json.md"
    shown = {key for row in docs_pages.rows(docs_pages.section(page, "doctor")) for key in docs_pages.code(row[0])}
    assert shown == {*answer, *answer["findings"][0]}


def test_board_and_a_file_of_it_are_taken_together(buddywatch, store, board_files):
    store.add_boot("xp", boot(nommu="1", trim="1"))
    put_map(store, PROGRAMS)
    alone = buddywatch("doctor", "xp", "--since", "2023-11-14T00:00")
    text = " ".join(alone.out.split())
    assert alone.code == 1 and "vm.nr_trim_pages is 1; unused ends that went back:" in text
    both = " ".join(buddywatch("doctor", "xp", *board_files).out.split())
    assert "Give busybox a stack" in both and "Give busybox a stack" not in text


def test_board_that_trims_nothing_is_well(buddywatch, store):
    store.add_boot("xp", boot(nommu="1", trim="0"))
    store.add_snapshot("xp", snapshot(1))
    result = buddywatch("doctor", "xp")
    assert result.code == 0 and "Nothing to change was found in what is known." in result.out
    store.add_boot("pc", boot(nommu="0"))
    assert "this kernel has an MMU" in buddywatch("doctor", "pc").out


@pytest.mark.parametrize(
    ("things", "complaint"),
    [
        (["none"], "no board 'none'"),
        (["none", "other"], "no such files; name one board and files of it"),
        (["{folder}"], "cannot be read"),
        (["{folder}/empty"], "nothing usable"),
        (["{folder}/script"], "nothing usable"),
        (["{folder}/cut"], "bytes of a bFLT header"),
        ([], "the following arguments are required"),
    ],
)
def test_what_cannot_be_used_is_one_line(buddywatch, store, tmp_path, things, complaint):
    (tmp_path / "empty").touch()
    (tmp_path / "script").write_text("hello\n")
    (tmp_path / "cut").write_bytes(flat()[:20])
    result = buddywatch("doctor", *(thing.format(folder=tmp_path) for thing in things))
    assert result.code == 2 and complaint in result.err and result.err.count("\n") == 1
