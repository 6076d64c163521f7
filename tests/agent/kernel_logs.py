"""Kernel logs for the agent's tests: a FIFO instead of /proc/kmsg, and reads that fail like those of /dev/kmsg."""

import os

from buddyd import compat
from buddyd.sources.kmsg import RETRY_MS, KernelLog


class Lines(list):
    def add(self, text, stamp_cs):
        self.append((text, stamp_cs))


def drained(log, times=1):
    lines = Lines()
    for _ in range(times):
        log.drain(lines.add)
    return lines


def fifo(scratch):
    """A kernel log that is a FIFO, and a stream that writes into it."""
    path = scratch.path + "/kmsg"
    assert os.system('mkfifo "%s"' % path) == 0
    writer = compat.open_tty(path)  # for reading too, so that the log never ends
    return KernelLog(scratch.path), writer


def close(log, *files):
    for file in files:
        file.close()
    if log.file is not None:
        log.file.close()


class Reads:
    """`with Reads(log, results)`: each read of a record log gives the next result, an errno or a record; then nothing.

    As /dev/kmsg would, whose own lines nobody can lose at will.
    """

    def __init__(self, log, results):
        log._records = True
        self.results = list(results)

    def read_some(self, file, buffer):
        if not self.results:
            return None
        result = self.results.pop(0)
        if isinstance(result, int):
            raise OSError(result, "as told")
        buffer[: len(result)] = result
        return len(result)

    def __enter__(self):
        self.kept, compat.read_some = compat.read_some, self.read_some

    def __exit__(self, *_):
        compat.read_some = self.kept


def record(sequence):
    return b"6,%d,5000000,-;line %d\n" % (sequence, sequence)


def numbers_of(lines):
    return [int(text[5:]) for text, _ in lines]


def in_a_moment(log):
    """A log that failed is tried again at once, as it would be after RETRY_MS."""
    log._tried_ms = compat.ticks_add(compat.ticks_ms(), -RETRY_MS)
