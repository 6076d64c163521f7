"""uptime: centiseconds as an int, without floats."""

from buddyd.sources import uptime
from buddyd.sources.procfile import ProcFile
from harness import fixture, raises
from scratch import Scratch


def test_parse_line_gives_centiseconds():
    for line, expected in (
        (b"14.68 8.91", 1468),
        (b"0.05 0.00", 5),
        (b"3.07 0.00\n", 307),
        (b"34567890.12 1.00", 3456789012),
    ):
        assert uptime.parse_line(line) == expected


def test_parse_line_refuses_other_lines():
    for line in (b"", b"14", b"x.68 8.91", b"14.x8 8.91", b"14.", b".5", b"\xff.00 1.00"):
        assert raises(ValueError, uptime.parse_line, line), line


def test_captures_give_their_uptime():
    for name, centiseconds in (
        ("frag-4k-bflt", 1468),
        ("fresh-8k-elf", 324),
        ("frag-4k-bflt-2.6.30-files", 3163),
    ):
        assert uptime.read(ProcFile(fixture("captures/%s/proc" % name), "/uptime")) == centiseconds, name


def test_clock_never_goes_back():
    file = ProcFile("/proc", "/uptime")
    last = uptime.read(file)
    for _ in range(100):
        now = uptime.read(file)
        assert now >= last > 0
        last = now
    file.close()


def test_empty_file_is_an_error():
    with Scratch() as scratch:
        assert raises(ValueError, uptime.read, ProcFile(scratch.write("uptime", b""), ""))
        assert raises(ValueError, uptime.read, ProcFile(scratch.write("uptime", b"\n"), ""))
