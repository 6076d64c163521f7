"""kmsg: a log that fails is opened again, and lines that the kernel overwrote are counted."""

from buddyd import compat
from buddyd.sources.kmsg import RETRY_MS, KernelLog
from kernel_logs import Reads, close, drained, fifo, in_a_moment, numbers_of, record
from scratch import Scratch


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
        assert log.file is None and log.why_missing == scratch.path + "/kmsg: input/output error"
        log._tried_ms = compat.ticks_ms()
        writer.write(b"<4>a\n")
        assert drained(log) == [] and log.file is None
        in_a_moment(log)
        assert drained(log) == [("a", None)]
        assert log.file is not None and log.why_missing is None
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
