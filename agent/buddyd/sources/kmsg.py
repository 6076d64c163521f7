"""Reads the kernel's log without starting a program and without ever waiting.

/dev/kmsg takes nothing away from other readers and tells when it lost something, but can be read only since 3.5.
/proc/kmsg exists everywhere, and what is read from it no other reader of it (klogd) gets; dmesg still does.
"""

from .. import compat, const
from .kernel_messages import parse_record, printable, strip_prefix
from .procfile import shared

DRAIN_BYTES = 8192
_LEAST_COST_BYTES = const(128)  # of a read, which makes it 64 at most in one drain()
_EINVAL = const(22)
_EPIPE = const(32)


class KernelLog:
    """The kernel's log.

    file: to be registered with poll() if `pollable`; None where no log can be read, or not any more.
    why_missing: the reason then. lost: how often the kernel had overwritten records before they were read.
    """

    def __init__(self, proc_root):
        self.file = self.why_missing = None
        self.pollable = False
        self.lost = 0
        self._rest = b""  # a torn line; a record longer than the shared buffer cannot be read, and holds nothing for us
        self._path = "/dev/kmsg"
        self._records = proc_root == "/proc" and self._open() and self._gives_records()
        if not self._records:
            self._path = proc_root + "/kmsg"
            self._open()

    def _open(self):
        try:
            self.file = compat.open_nonblocking(self._path)
        except OSError as error:
            self.why_missing = "%s: %s" % (self._path, compat.reason(error))
            return False
        self.pollable = compat.is_pollable(self._path)
        self.why_missing = None
        return True

    def _gives_records(self):
        """Whether /dev/kmsg can be read: before 3.5, and without a read(2) of our own, every read is EINVAL.

        So is that of a record too long for the buffer, hence more than one try. Reading starts over after this: every
        open has its own position.
        """
        for _ in range(8):
            try:
                compat.read_some(self.file, shared.buffer)
            except OSError as error:
                if error.errno == _EINVAL:
                    continue
            self.file.close()
            return self._open()
        self._close("cannot be read on this kernel")
        return False

    def _close(self, why):
        self.file.close()
        self.file = None
        self.pollable = False
        self.why_missing = "%s: %s" % (self._path, why)

    def drain(self, handler):
        """Give the lines that are there to handler(text, stamp_cs), at most about 8 kB at a time; never waits.

        text: printable str without prefix. stamp_cs: centiseconds since boot, None where the line has no time stamp. A
        torn line waits for its end; one over 512 bytes is cut. file is None once the log cannot be read any more.
        """
        self._handler = handler
        shared.clear(self._rest)
        budget = DRAIN_BYTES
        while self.file is not None and budget > 0:
            budget -= _LEAST_COST_BYTES
            try:
                count = compat.read_some(self.file, shared.buffer)
            except OSError as error:
                if error.errno == _EPIPE:
                    self.lost += 1
                elif error.errno != _EINVAL:
                    self._close(compat.reason(error))
                continue
            if not count:
                break
            budget -= max(0, count - _LEAST_COST_BYTES)
            if self._records:
                self._record(bytes(memoryview(shared.buffer)[:count]))
            else:
                shared.feed(count, self._line)
        self._rest = shared.rest

    def _record(self, record):
        try:
            text, stamp_cs, _ = parse_record(record)
        except ValueError:
            return  # not a record: the next read gives the next one
        self._handler(text, stamp_cs)

    def _line(self, line):
        text, stamp_cs, _ = strip_prefix(printable(line))
        self._handler(text, stamp_cs)
