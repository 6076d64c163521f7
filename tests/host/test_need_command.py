"""`buddywatch need FILE...`: the blocks of a program at the page sizes of boards."""

import pytest
from configfiles import FLAT_60K
from programfiles import flat
from runner import Runner


@pytest.fixture
def buddywatch(tmp_path, capsys):
    return Runner(tmp_path, capsys)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "busybox.flat"
    path.write_bytes(flat(text=100_000, data=8_000, bss=30_000, stack=4096))
    return str(path)


# data + bss + stack + one library slot = 42100 bytes: 11 pages of 4 kB or 6 of 8 kB
def test_text_shows_the_blocks_at_both_page_sizes(buddywatch, program):
    result = buddywatch("need", program)
    assert result.code == 0
    lines = [" ".join(line.split()) for line in result.lines]
    assert lines[0] == program
    assert lines[1] == "with pages of 4 kB: 45056 bytes in one piece, out of a free block of 64 kB"
    assert "text 102400 bytes block of 128 kB" in lines
    assert "data 45056 bytes block of 64 kB" in lines
    assert "with pages of 8 kB: 49152 bytes in one piece, out of a free block of 64 kB" in lines
    assert all(len(line) <= 80 for line in result.lines[1:])


def test_page_kb_chooses_the_page_sizes(buddywatch, program):
    result = buddywatch("need", program, "--page-kb", "16", "--page-kb", "64", "--json")
    assert [page["page_bytes"] for page in result.json["programs"][0]["pages"]] == [16384, 65536]


def test_json_has_blocks_and_the_need(buddywatch, program):
    (entry,) = buddywatch("need", program, "--page-kb", "4", "--json").json["programs"]
    assert entry["file"] == program
    (page,) = entry["pages"]
    assert (page["page_bytes"], page["need_bytes"]) == (4096, 45056)
    assert [(b["what"], b["bytes"], b["buddy_bytes"], b["shareable"]) for b in page["blocks"]] == [
        ("text", 102400, 131072, True),
        ("data", 45056, 65536, False),
    ]


def test_program_that_cannot_be_read_does_not_hide_the_others(buddywatch, program, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    result = buddywatch("need", str(script), program, "/nonexistent")
    assert result.code == 2
    assert result.lines[0] == program
    first, second = result.err.splitlines()
    assert first == f"buddywatch: {script}: a script run by /bin/sh; give that program's file instead"
    assert second.startswith("buddywatch: /nonexistent: cannot be read")


def test_name_of_a_program_is_escaped(buddywatch, tmp_path):
    path = tmp_path / "\x1b[2J.flat"
    path.write_bytes(FLAT_60K)
    out = buddywatch("need", str(path)).out
    assert "\\x1b[2J.flat" in out and "\x1b" not in out
