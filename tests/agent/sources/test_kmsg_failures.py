"""kmsg: a log that fails is opened again, and lines that the kernel overwrote are counted."""

from buddyd import compat
from buddyd.sources.kmsg import RETRY_MS, KernelLog
from kernel_logs import Reads, close, drained, fifo, in_a_moment, numbers_of, record
from scratch import Scratch


class Machine:
    """`with Machine(scratch, gives_records)`: a scratch's file kmsg as /proc/kmsg, and its file records as /dev/kmsg.

    gives_records: whether /dev/kmsg can be read; before 3.5 it gives EINVAL.
    """

    def __init__(self, scratch, gives_records):
        self.folder = scratch.path
        self.gives_records = gives_records
        self.records = None

    def open_nonblocking(self, path):
        file = self.kept[0](self.folder + ("/kmsg" if path == "/proc/kmsg" else "/records"))
        if path == "/dev/kmsg":
            self.records = file
        return file

    def read_some(self, file, buffer):
        if file is self.records and not self.gives_records:
            raise OSError(22, "as before 3.5")
        return self.kept[1](file, buffer)

    def __enter__(self):
        self.kept = compat.open_nonblocking, compat.read_some
        compat.open_nonblocking, compat.read_some = self.open_nonblocking, self.read_some

    def __exit__(self, *_):
        compat.open_nonblocking, compat.read_some = self.kept


def test_machine_without_records_is_read_from_its_proc():
    for names in (("kmsg",), ("kmsg", "records")):  # 2.6.30 has the device, to write to
        with Scratch() as scratch:
            for name in names:
                scratch.write(name, b"<4>[    1.000000] a line of %s\n" % name.encode())
            with Machine(scratch, False):
                log = KernelLog("/proc")
                assert drained(log) == [("a line of kmsg", 100)], names
            assert log.why_missing() is None and log.pollable
            close(log)


def test_machine_with_records_is_read_from_its_device():
    with Scratch() as scratch:
        scratch.write("kmsg", b"<4>[    1.000000] a line of kmsg\n")
        scratch.write("records", record(7))
        with Machine(scratch, True):
            log = KernelLog("/proc")
            assert drained(log) == [("line 7", 500)]
        close(log)


def test_record_that_is_too_long_costs_itself_only():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        with Reads(log, [22, record(7), 22, 22, record(10)]):
            assert numbers_of(drained(log)) == [7, 10]
        assert log.file is not None and log.lost == 0
        close(log, writer)


def test_overwritten_records_are_counted():
    for results, lost in (
        ([record(7), 32, record(20), record(21)], 12),
        ([record(7), 32, 32, record(9), 32, record(12)], 3),
        ([record(7), 32, record(9), 22, record(11)], 1),  # one was too long, and not lost
        ([record(7), 32, b"no record\n", record(9)], 1),
        ([32, record(7), record(8)], 0),  # they were gone before the agent came
        ([record(7), 32], 0),  # how many, the next record tells
    ):
        with Scratch() as scratch:
            log, writer = fifo(scratch)
            with Reads(log, results):
                drained(log)
            assert log.file is not None and log.lost == lost, results
            close(log, writer)


def test_log_that_failed_is_opened_again_once_a_minute():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        with Reads(log, [5]):
            drained(log)
        assert log.file is None and log.why_missing() == scratch.path + "/kmsg: input/output error"
        log._tried_ms = compat.ticks_ms()
        writer.write(b"<4>a\n")
        assert drained(log) == [] and log.file is None
        in_a_moment(log)
        assert drained(log) == [("a", None)]
        assert log.file is not None and log.why_missing() is None
        assert not log.pollable, "nobody registers it with poll() any more"
        close(log, writer)


def test_log_that_comes_late_is_opened():
    with Scratch() as scratch:
        log = KernelLog(scratch.path)
        scratch.write("kmsg", b"<4>a\n")
        assert drained(log) == [] and log.file is None
        in_a_moment(log)
        assert drained(log) == [("a", None)]
        close(log)


def test_log_that_never_comes_is_looked_for_once_a_minute():
    with Scratch() as scratch:
        log = KernelLog(scratch.path)
        in_a_moment(log)
        tried_ms = log._tried_ms
        drained(log)
        assert log.file is None and compat.ticks_diff(log._tried_ms, tried_ms) >= RETRY_MS
        tried_ms = log._tried_ms
        drained(log)
        assert log._tried_ms == tried_ms


def test_torn_line_of_a_log_that_failed_is_not_continued():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        writer.write(b"<4>torn ")
        assert drained(log) == []
        with Reads(log, [5]):
            drained(log)
        in_a_moment(log)
        writer.write(b"<4>whole\n")
        assert drained(log) == [("whole", None)]
        close(log, writer)


def test_records_that_were_read_before_are_not_told_again():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        with Reads(log, [record(7), record(8), 5]):
            assert numbers_of(drained(log)) == [7, 8]
        in_a_moment(log)
        log._open_again()
        with Reads(log, [record(7), record(8), record(9), record(10)]):
            assert numbers_of(drained(log)) == [9, 10]
        assert log.lost == 0
        close(log, writer)


def test_records_overwritten_while_the_log_was_closed_are_counted():
    with Scratch() as scratch:
        log, writer = fifo(scratch)
        with Reads(log, [record(7), 5]):
            drained(log)
        in_a_moment(log)
        log._open_again()
        with Reads(log, [record(10), record(11)]):
            assert numbers_of(drained(log)) == [10, 11]
        assert log.lost == 2
        close(log, writer)
