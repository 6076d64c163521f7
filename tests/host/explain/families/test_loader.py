"""The program loaders' lines, alone and after the message of mmap."""

import pytest
from asking import failures, parts, told

ALLOC = "Allocation of length 61440 from process 6821 (rm) failed\n"
MEMORY = [
    "Unable to mmap process text, errno 12",
    "Unable to allocate RAM for process data, errno 12",
    "Unable to allocate RAM for process text/data, errno 12",
    "Unable to read data+bss, errno 12",
    "Unable to read code+data+bss, errno 12",
]
NEW = [f"binfmt_flat: {line.replace('errno ', 'errno -')}" for line in MEMORY]


@pytest.mark.parametrize("line", MEMORY + NEW)
def test_a_line_alone_is_a_program_that_had_no_memory(line):
    (failure,) = failures(line + "\n")
    assert (failure["kind"], failure["order"], failure["contiguous"]) == ("load", None, True)
    assert "A program was being started" in told(line)
    assert "`dmesg`" in told(line)


def test_a_smaller_stack_is_no_advice_where_the_text_is_in_the_piece():
    assert "flthdr -s" in told(NEW[1])
    assert "flthdr -s" not in told(NEW[2])
    assert "Most of it is the program's text" in told(NEW[2])


@pytest.mark.parametrize("line", [MEMORY[1], NEW[1], NEW[2]])
def test_after_mmap_it_says_what_for(line):
    (failure,) = failures(ALLOC + line + "\n")
    assert (failure["kind"], failure["process"], failure["requested_bytes"]) == ("alloc", "rm", 61440)
    assert failure["for"] == ("process text/data" if "text/data" in line else "process data")


def test_the_list_before_it_bounds_the_piece():
    blocks = "DMA32: 17*4kB (U) 10*8kB (U) 7*16kB (U) 6*32kB (U) 11*64kB (U) 6*128kB (U) 6*256kB (U) 0*512kB = 3460kB\n"
    answer = told(blocks + NEW[2])
    assert "Right before, 3460 kB were free, the largest block of them 256 kB" in answer
    assert "Right before" not in told(NEW[2] + "\n" + blocks)


def test_each_program_has_its_own_line():
    found = failures(ALLOC + MEMORY[1] + "\n" + ALLOC + MEMORY[2] + "\n" + MEMORY[1] + "\n")
    assert [failure["for"] for failure in found] == ["process data", "process text/data", "process data"]


@pytest.mark.parametrize(
    "line",
    ["Unable to read data+bss, errno 5", "binfmt_flat: Unable to mmap process text, errno -8",
     "Unable to load interpreter", "BINFMT_FLAT: failed to load library 2"],
)  # fmt: skip
def test_what_is_no_lack_of_memory_is_not_called_one(line):
    assert parts(line) == [(None, None, None, None, "unknown")]
    assert failures(line)[0]["contiguous"] is None
    assert "had no memory" not in told(line)
