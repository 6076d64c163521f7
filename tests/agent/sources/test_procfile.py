"""procfile: lines of any length from a buffer of any size, read again and again."""

import os

from buddyd.sources import procfile
from buddyd.sources.procfile import LineCutter, ProcFile
from harness import fixture, raises, read
from scratch import Scratch

ZONEINFO = "captures/frag-4k-bflt/proc/zoneinfo"


def lines_of(path, size=512, answer=None):
    """The lines that a handler gets that answers `answer` each time."""
    seen = []

    def handler(line):
        seen.append(line)
        return answer

    with_buffer(size, lambda: ProcFile(path, "").lines(handler))
    return seen


def with_buffer(size, read):
    """What read() gives while all files share a buffer of this size."""
    usual, procfile.shared = procfile.shared, LineCutter(size)
    try:
        return read()
    finally:
        procfile.shared = usual


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_lines_are_whole_for_every_buffer_size():
    expected = read(ZONEINFO).split(b"\n")[:-1]
    longest = max([len(line) for line in expected])
    for size in (longest, longest + 1, 64, 100, 127, 128, 1000, 1024, len(read(ZONEINFO)), 4096):
        assert lines_of(fixture(ZONEINFO), size) == expected, size


def test_line_longer_than_buffer_is_cut_and_next_is_whole():
    with Scratch() as scratch:
        path = scratch.write("stat", b"cpu 1\nintr " + b"7 " * 500 + b"\nbtime 9\n" + b"x" * 16 + b"\nend\n")
        assert lines_of(path, 16) == [b"cpu 1", b"intr 7 7 7 7 7 7", b"btime 9", b"x" * 16, b"end"]


def test_last_line_without_newline_is_given():
    with Scratch() as scratch:
        assert lines_of(scratch.write("a", b"one\ntwo")) == [b"one", b"two"]
        assert lines_of(scratch.write("b", b"one\n\n")) == [b"one", b""]
        assert lines_of(scratch.write("c", b"")) == []


def test_handler_that_returns_true_gets_no_more():
    assert lines_of(fixture(ZONEINFO), 1024, True) == [b"Node 0, zone      DMA"]


def test_wanted_line_is_found_for_every_buffer_size():
    header = b"Node 0, zone      DMA", b"Node 0, zone   Normal", b"Node 0, zone  Movable"
    for size in range(45, 300):
        assert lines_of(fixture(ZONEINFO), size, b"\nNode ") == list(header), size


def test_wanted_line_without_newline_is_found():
    with Scratch() as scratch:
        path = scratch.write("a", b"one\ntwo\nthree\nno\nthird")
        for size in range(5, 30):
            assert lines_of(path, size, b"\nth") == [b"one", b"three", b"third"], size


def test_wanted_line_that_never_comes_ends_the_reading():
    for size in (45, 128, 4096):
        assert lines_of(fixture(ZONEINFO), size, b"\nNode 1") == [b"Node 0, zone      DMA"], size


def test_line_that_handler_refuses_is_named_and_the_others_are_given():
    seen = []

    def handler(line):
        seen.append(int(line))

    with Scratch() as scratch:
        file = ProcFile(scratch.write("numbers", b"1\nt\xffo\n3\nfour\n"), "")
        file.lines(handler)
        assert seen == [1, 3]
        assert file.first_error == "%s/numbers: cannot read `t?o`" % scratch.path
        scratch.write("numbers", b"5\n")
        file.lines(handler)
        assert file.first_error is None


def test_line_that_handler_refuses_ends_the_search_that_led_to_it():
    seen = []

    def handler(line):
        seen.append(line)
        if line == b"two":
            raise ValueError
        return b"\ntwo" if line == b"one" else None

    with Scratch() as scratch:
        ProcFile(scratch.write("a", b"one\nx\ntwo\ny\nz\n"), "").lines(handler)
    assert seen == [b"one", b"two", b"y", b"z"]


def test_missing_file_raises_the_kernels_error_until_it_is_there():
    with Scratch() as scratch:
        file = ProcFile(scratch.path, "/meminfo")
        for _ in range(2):
            assert raises(OSError, file.first_line).errno == 2
        scratch.write("meminfo", b"MemTotal: 1 kB\n")
        assert file.first_line() == b"MemTotal: 1 kB"
        os.remove(scratch.path + "/meminfo")
        assert raises(OSError, file.first_line).errno == 2


def test_folder_is_an_error():
    with Scratch() as scratch:
        assert raises(OSError, ProcFile(scratch.path, "").first_line).errno == 21


def test_empty_file_has_no_first_line():
    with Scratch() as scratch:
        assert "empty" in str(raises(ValueError, ProcFile(scratch.write("uptime", b""), "").first_line))


def test_recording_replaced_by_rename_is_seen():
    with Scratch() as scratch:
        file = ProcFile(scratch.write("uptime", b"1.00 1.00\n"), "")
        assert file.first_line() == b"1.00 1.00"
        os.rename(scratch.write("new", b"2.00 1.00\n"), scratch.path + "/uptime")
        before = open_files()
        assert file.first_line() == b"2.00 1.00"
        assert open_files() == before


def test_file_under_proc_stays_open_and_tells_fresh_figures():
    before = open_files()
    file = ProcFile("/proc", "/uptime")
    first = last = file.first_line()
    assert open_files() == before + 1
    while uptime_cs(last) == uptime_cs(first):
        last = file.first_line()
    assert open_files() == before + 1
    assert uptime_cs(last) > uptime_cs(first)
    file.close()
    assert open_files() == before
    assert uptime_cs(file.first_line()) >= uptime_cs(last)
    file.close()


def test_file_under_proc_that_fails_is_opened_anew():
    """One of a process that has ended fails for ever, however often it is read again."""
    before = open_files()
    file = ProcFile("/proc", "/self/mem")  # a read of its first byte is EIO: nothing is mapped there
    for _ in range(2):
        assert raises(OSError, file.first_line).errno == 5
        assert open_files() == before
    file._name = "/uptime"
    assert uptime_cs(file.first_line()) > 0
    file.close()


def uptime_cs(line):
    """The uptime of a line of /proc/uptime in hundredths of a second."""
    return int(line.split()[0].replace(b".", b""))


def test_aborted_file_leaves_nothing_to_the_next():
    with Scratch() as scratch:
        torn = ProcFile(scratch.write("torn", b"a torn line without end"), "")
        assert with_buffer(16, torn.first_line) == b"a torn line with"
        assert with_buffer(16, torn.first_line) == b"a torn line with"


def test_cutter_holds_a_torn_line_until_its_end_comes():
    cutter, seen = LineCutter(32), []
    for chunk in (b"Alloc", b"ation of", b" length\nUnable", b" to\n\n"):
        for i in range(len(chunk)):
            cutter.buffer[i] = chunk[i]
        assert cutter.feed(len(chunk), seen.append) is False
    assert seen == [b"Allocation of length", b"Unable to", b""]


def test_torn_line_that_is_not_wanted_takes_no_room():
    cutter, seen = LineCutter(64), []

    def handler(line):
        seen.append(line)
        return b"\nbtime "

    for chunk in (b"cpu 1\nint", b"r " + b"7 " * 31, b"7 " * 32, b"\nbti", b"me 9\n"):
        cutter.buffer[: len(chunk)] = chunk
        assert not cutter.feed(len(chunk), handler)
        assert len(cutter.rest) <= len(b"\nbtime ")
    assert seen == [b"cpu 1", b"btime 9"]
