"""Lines into real pipes: that are read, that are not, and that are closed."""

import os
import time
from contextlib import contextmanager

import pytest
from buddywatch.terminal.line_writer import LineWriter
from waiting import DEADLINE_S, wait_for

SOME = 10


@contextmanager
def a_pipe():
    """(the reader's end, the writer's end) of a pipe; the test closes them earlier if it likes."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def fill(end):
    """Write until the pipe takes no more; how many bytes that took."""
    os.set_blocking(end, False)
    count = 0
    try:
        while True:
            count += os.write(end, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(end, True)
        return count


def read_lines(end):
    """All lines up to the end of the stream."""
    with open(end, "rb", closefd=False) as stream:
        return stream.read().decode().splitlines()


def test_every_line_arrives_in_order_where_somebody_reads():
    with a_pipe() as (reader, end):
        with LineWriter(end) as writer:
            for number in range(SOME):
                writer.write(f"line {number} \xe9")
        os.close(end)
        assert read_lines(reader) == [f"line {number} \\xe9" for number in range(SOME)]


def test_lines_that_nobody_reads_are_dropped_and_counted():
    with a_pipe() as (reader, end):
        filled = fill(end)
        with LineWriter(end, lines_max=SOME) as writer:
            for number in range(1000):  # would never end if write() waited
                writer.write(str(number))
            assert len(os.read(reader, filled)) == filled
            told, deadline = [], time.monotonic() + DEADLINE_S
            while "last" not in told:
                assert time.monotonic() < deadline, told
                writer.write("last")
                told += os.read(reader, 65536).decode().splitlines()
    notes = [line for line in told if "not shown" in line]  # a second one where the first took the last place
    at = told.index(notes[0])
    assert SOME <= at <= SOME + 1  # one more that the thread had taken already
    assert told[:at] == [str(number) for number in range(at)]
    assert all(note.startswith("... ") and "did not read" in note for note in notes)
    assert 1000 - at <= sum([int(note.split()[1]) for note in notes]) <= 1000 + SOME


def test_lines_that_were_dropped_are_told_at_the_end_as_well():
    with a_pipe() as (reader, end):
        filled = fill(end)
        with LineWriter(end, lines_max=1) as writer:
            for _ in range(100):
                writer.write("x")
            os.read(reader, filled)
        os.close(end)
        assert "did not read" in read_lines(reader)[-1]


def test_leaving_does_not_wait_for_ever_for_a_reader():
    with a_pipe() as (_, end):
        fill(end)
        with LineWriter(end) as writer:
            writer.write("x")


def test_reader_that_has_gone_is_told_to_who_writes_next():
    with a_pipe() as (reader, end):
        os.close(reader)
        deadline = time.monotonic() + DEADLINE_S
        with LineWriter(end) as writer, pytest.raises(BrokenPipeError):
            while time.monotonic() < deadline:
                writer.write("x")


def test_pipe_that_does_not_block_is_waited_for():
    with a_pipe() as (reader, end):
        filled = fill(end)
        os.set_blocking(end, False)
        with LineWriter(end) as writer:
            writer.write("at last")
            os.read(reader, filled)
        os.close(end)
        assert read_lines(reader) == ["at last"]


def test_lines_for_a_full_disk_are_dropped_and_the_writer_goes_on():
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with LineWriter(full) as writer:
            for number in range(SOME):
                writer.write(str(number))
            wait_for(lambda: writer._dropped >= SOME, "all lines to be dropped")
            writer.write("one more does not raise")
    finally:
        os.close(full)
