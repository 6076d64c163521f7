"""stat: the number of processes ever created."""

import os

from buddyd.sources.stat import Stat, parse_line
from harness import fixture, raises
from scratch import Scratch


def read_text(text):
    with Scratch() as scratch:
        scratch.write("stat", text)
        stat = Stat(scratch.path)
        stat.read()
    return stat


def test_parse_line_gives_the_count():
    assert parse_line(b"processes 37") == 37
    for line in (b"", b"cpu  86 0 487", b"procs_running 1", b"process 5", b"btime 0"):
        assert parse_line(line) is None, line
    for line in (b"processes ", b"processes x", b"processes 1 2"):
        assert raises(ValueError, parse_line, line), line


def test_captures_give_their_count():
    for name, count in (("frag-4k-bflt", 37), ("fresh-8k-elf", 22), ("frag-4k-bflt-2.6.30-cron", 332)):
        stat = Stat(fixture("captures/%s/proc" % name))
        stat.read()
        assert stat.processes == count, name


def test_interrupt_row_longer_than_the_buffer_is_passed():
    text = b"cpu 1\nintr 9%s\nctxt 1\nbtime 5\nprocesses 88\nprocs_running 1\n" % (b" 0" * 3000)
    assert read_text(text).processes == 88


def test_new_process_is_counted():
    stat = Stat("/proc")
    stat.read()
    before = stat.processes
    os.system("true")
    stat.read()
    assert stat.processes > before
    stat.close()


def test_kernel_that_does_not_say_gives_none():
    assert read_text(b"cpu 1\nbtime 5\n").processes is None
    damaged = read_text(b"processes many\n")
    assert damaged.processes is None
    assert "cannot read `processes many`" in damaged.first_error
