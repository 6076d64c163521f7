"""kmsg: reads what is there from a real FIFO, a file or /dev/kmsg, and never waits."""

import os
import select

from buddyd import compat
from buddyd.sources.kernel_messages import printable
from buddyd.sources.kmsg import DRAIN_BYTES, KernelLog
from harness import fixture
from kernel_logs import close, drained, fifo
from scratch import Scratch


class WithoutFdio:
    """`with WithoutFdio()`: an interpreter that has neither fdio nor ffi; CPython stays as it is."""

    def __enter__(self):
        if compat.MICROPYTHON:
            self.kept, compat.fdio = compat.fdio, None

    def __exit__(self, *_):
        if compat.MICROPYTHON:
            compat.fdio = self.kept


def with_each_way_to_read(case):
    """Run case() on a regular file, under MicroPython also as an interpreter without fdio and ffi reads it."""
    case()
    with WithoutFdio():
        case()


def test_fifo_gives_what_is_there_and_does_not_wait():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        assert log.pollable and log.why_missing() is None
        assert drained(log) == []
        writer.write(b"<4>[    1.250000] Mem-Info:\nAllocation of length 61440 from process 6821 (rm) failed\n")
        assert drained(log, 3) == [
            ("Mem-Info:", 125),
            ("Allocation of length 61440 from process 6821 (rm) failed", None),
        ]
        assert drained(log) == []
        close(log, writer)


def test_line_that_a_program_wrote_is_not_the_kernels():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        failed = b"Allocation of length 61440 from process 6821 (rm) failed\n"
        for start in (b"<7>", b"<8>", b"<12>[    1.250000] ", b"<191>", b"<4>", b"<12", b"<x>"):
            writer.write(start + failed)
        assert [text[:5] for text, _ in drained(log, 4)] == ["Alloc", "Alloc", "<12Al", "<x>Al"]
        close(log, writer)


def test_fifo_wakes_poll_only_when_there_is_something():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        poller = select.poll()
        poller.register(log.file, select.POLLIN)
        assert not poller.poll(0)
        writer.write(b"<4>a\n")
        assert poller.poll(0)
        assert drained(log) == [("a", None)]
        assert not poller.poll(0)
        close(log, writer)


def test_torn_line_waits_for_its_end():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        for part in (b"<4>[    1.250", b"000] Unable to ", b"allocate RAM"):
            writer.write(part)
            assert drained(log) == []
        writer.write(b" for process data, errno 12\n<3>")
        assert drained(log) == [("Unable to allocate RAM for process data, errno 12", 125)]
        writer.write(b"next\n")
        assert drained(log) == [("next", None)]
        close(log, writer)


def test_line_longer_than_the_buffer_is_cut():
    def case():
        with Scratch() as scratch:
            scratch.write("kmsg", b"<4>" + b"x" * 5000 + b"\n<4>[    2.000000] short\n")
            log = KernelLog(scratch.path)
            lines = drained(log, 9)
            assert [len(text) for text, _ in lines] == [509, 5]
            assert lines[1] == ("short", 200)
            close(log)

    with_each_way_to_read(case)


def test_regular_file_is_followed():
    def case():
        with Scratch() as scratch:
            path = scratch.write("kmsg", b"<4>one\n<4>two\n")
            log = KernelLog(scratch.path)
            assert log.file is not None and not log.pollable
            assert drained(log, 3) == [("one", None), ("two", None)]
            with open(path, "ab") as file:
                file.write(b"<4>three\n")
            assert drained(log, 2) == [("three", None)]
            assert drained(log, 2) == []
            close(log)

    with_each_way_to_read(case)


def test_captured_log_is_read_in_bounded_steps():
    name = "captures/frag-4k-bflt"
    with open(fixture(name + "/dmesg.txt"), "rb") as file:
        expected = file.read().count(b"\n")
    with open(fixture(name + "/kmsg.txt"), "rb") as file:
        text = file.read()
    assert len(text) > DRAIN_BYTES

    def case():
        with Scratch() as scratch:
            scratch.write("kmsg", text)
            log = KernelLog(scratch.path)
            first = drained(log)
            assert 0 < sum([len(line) for line, _ in first]) <= DRAIN_BYTES
            rest = drained(log, 10)
            assert len(first) + len(rest) == expected
            assert rest[-1] == ("binfmt_flat: Unable to allocate RAM for process data, errno -12", 1387)
            close(log)

    with_each_way_to_read(case)


def test_bytes_that_are_not_printable_are_marked():
    with Scratch() as scratch:
        scratch.write("kmsg", b"<4>a\xff\0b\n\x80\n")
        log = KernelLog(scratch.path)
        assert drained(log) == [("a??b", None), ("?", None)]
        close(log)


def test_missing_log_says_why():
    with Scratch() as scratch:
        log = KernelLog(scratch.path)
        assert log.file is None and not log.pollable
        assert log.why_missing().startswith(scratch.path + "/kmsg: no such file")
        assert drained(log) == []


def test_log_that_fails_is_given_up_and_says_why():
    with Scratch() as scratch:
        os.mkdir(scratch.path + "/kmsg")
        log = KernelLog(scratch.path)  # a folder: CPython refuses to open it, MicroPython to read it
        assert drained(log) == []
        assert log.file is None and not log.pollable
        assert log.why_missing().startswith(scratch.path + "/kmsg: ")


def test_log_that_others_may_read_too_is_not_read_where_that_could_wait():
    if not compat.MICROPYTHON:
        return
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        close(log)
        writer.write(b"<4>a\n")
        with WithoutFdio():
            log = KernelLog(scratch.path)
            assert drained(log) == []
        assert log.file is None
        assert log.why_missing().startswith(scratch.path + "/kmsg: this interpreter can only wait for it; ")
        close(log, writer)


# --- the machine's own log ---


def test_machine_itself_can_be_waited_for():
    for path, pollable in (("/proc/kmsg", True), ("/dev/null", True), ("/proc/uptime", False), ("/no/such/log", False)):
        assert compat.is_pollable(path) == pollable, path


def test_machine_itself_is_read_record_by_record():
    if not os_lets_read_kmsg():
        return
    log = KernelLog("/proc")
    assert log.pollable and log.why_missing() is None
    lines = drained(log)
    assert 0 < len(lines) <= 64
    while lines:
        assert all_stamped_and_printable(lines)
        lines = drained(log)
    assert drained(log) == []
    assert log.file is not None and log.lost == 0
    close(log)


def test_machine_itself_has_records_that_are_too_long():
    """As long as the kernel lets a program make one; a line of a driver can be so long, too.

    What a program writes is read, and is not the kernel's word.
    """
    if not os_lets_read_kmsg() or not os_lets_write_kmsg():
        return
    log = KernelLog("/proc")
    while drained(log):
        pass
    before = log._sequence
    for text in (b"buddyd's tests, a long line: " + b"x" * 800, b"buddyd's tests, the line after it"):
        with open("/dev/kmsg", "wb") as file:
            file.write(b"<7>" + text + b"\n")
    assert [text for text, _ in drained(log) if "buddyd's tests" in text] == []
    assert log._sequence >= before + 2
    assert log.file is not None
    close(log)


def os_lets_write_kmsg():
    try:
        open("/dev/kmsg", "wb").close()
    except OSError:
        return False
    return True


def all_stamped_and_printable(lines):
    for text, stamp_cs in lines:
        if stamp_cs < 0 or printable(text.encode()) != text:
            return False
    return not lines or "".join([text for text, _ in lines]) != ""


def os_lets_read_kmsg():
    try:
        compat.open_nonblocking("/dev/kmsg").close()
    except OSError:
        return False
    return True
