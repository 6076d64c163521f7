"""`buddywatch need FILE...`: the blocks of a program at the page sizes of boards."""

import pytest
from configfiles import FLAT_60K
from programfiles import elf, flat


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
    assert "text 102400 bytes block of 128 kB (order 5), 28672 bytes unused" in lines
    assert "data 45056 bytes block of 64 kB (order 4), 20480 bytes unused" in lines
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


def test_json_has_order_and_waste_at_each_page_size(buddywatch, program):
    pages = buddywatch("need", program, "--json").json["programs"][0]["pages"]
    data = [next(block for block in page["blocks"] if block["what"] == "data") for page in pages]
    assert [(block["order"], block["wasted_bytes"]) for block in data] == [(4, 20480), (3, 16384)]


def order_of_the_data(buddywatch, tmp_path, **sizes):
    path = tmp_path / "program"
    path.write_bytes(flat(**sizes))
    (entry,) = buddywatch("need", str(path), "--page-kb", "4", "--json").json["programs"]
    block = entry["pages"][0]["blocks"][-1]
    return block["order"], block["smaller_stack_bytes"]


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"data": 8000, "bss": 20000, "stack": 8192}, id="data"),
        pytest.param({"data": 8000, "bss": 20000, "stack": 20000, "flags": 1, "text": 20_000}, id="image-in-ram"),
        pytest.param({"data": 8000, "bss": 1000, "stack": 30000, "relocs": 5000}, id="relocations"),
    ],
)
def test_largest_stack_for_half_the_block_is_exact(buddywatch, tmp_path, sizes):
    order, stack = order_of_the_data(buddywatch, tmp_path, **sizes)
    assert 0 < stack < sizes["stack"]
    assert order_of_the_data(buddywatch, tmp_path, **{**sizes, "stack": stack})[0] == order - 1
    assert order_of_the_data(buddywatch, tmp_path, **{**sizes, "stack": stack + 1})[0] == order


def test_stack_that_fills_the_block_is_exact(buddywatch, tmp_path):
    for sizes in (
        {"data": 8000, "bss": 20000, "stack": 8192},
        {"data": 8000, "bss": 1000, "stack": 4096, "relocs": 9000},
    ):
        path = tmp_path / "program"
        path.write_bytes(flat(**sizes))
        (block,) = block_of_the_data(buddywatch, path)
        assert block["wasted_bytes"] > 0
        for stack, order, unused in ((0, block["order"], 0), (1, block["order"] + 1, None)):
            path.write_bytes(flat(**{**sizes, "stack": block["filling_stack_bytes"] + stack}))
            (filled,) = block_of_the_data(buddywatch, path)
            assert filled["order"] == order and unused in (None, filled["wasted_bytes"])
    path.write_bytes(flat(data=8000, bss=20000, stack=8192))
    text = " ".join(buddywatch("need", str(path), "--page-kb", "4").out.split())
    assert "28 kB at its end go back at once (vm.nr_trim_pages), and others may settle there; with a stack of" in text


def block_of_the_data(buddywatch, path):
    (entry,) = buddywatch("need", str(path), "--page-kb", "4", "--json").json["programs"]
    return [block for block in entry["pages"][0]["blocks"] if block["what"] == "data"]


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"data": 8000, "bss": 30000, "stack": 4096}, id="without-stack-still-too-large"),
        pytest.param({"data": 8000, "bss": 1000, "stack": 30000, "relocs": 9000}, id="relocations-too-large"),
        pytest.param({"data": 8000, "bss": 24000, "stack": 4096}, id="next-to-nothing-left"),
    ],
)
def test_no_stack_is_advised_that_does_not_help(buddywatch, tmp_path, sizes):
    assert order_of_the_data(buddywatch, tmp_path, **sizes)[1] == 0


def test_text_advises_a_smaller_stack(buddywatch, tmp_path):
    (tmp_path / "program").write_bytes(elf([(1, 5, 0, 0, 5000, 5000)]))
    result = buddywatch("need", str(tmp_path / "program"), "--page-kb", "4")
    assert "with a stack of 65536 bytes or less (now 131072), a block of 64 kB" in result.out


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
