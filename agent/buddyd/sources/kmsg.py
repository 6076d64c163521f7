"""Reads the kernel's log without starting a program and without ever blocking.

/dev/kmsg takes no lines from other readers and reports lost ones, but can be read only since 3.5. /proc/kmsg exists
everywhere, but lines read from it are lost for its other readers (klogd); dmesg still shows them. A read without
O_NONBLOCK blocks there if klogd was faster. With O_NONBLOCK the kernel first checks for data, then reads
(fs/proc/kmsg.c in 6.1): only on several processors can klogd read in between, and the next kernel line ends the wait.
"""

from .. import compat, const
from .kernel_messages import is_of_program, parse_record, printable, strip_prefix
from .procfile import shared

DRAIN_BYTES = 8192
RETRY_MS = 60000
_LEAST_COST_BYTES = const(128)  # counted for each read, so that one drain() makes at most 64 reads
_EINVAL = const(22)
_EPIPE = const(32)


class KernelLog:
    """The kernel's log.

    file: to be registered with poll() if `pollable`; None while no log can be read, see why_missing().
    lost: lines that the kernel overwrote before they were read; the caller that reports them resets it to 0.
    """

    def __init__(self, proc_root):
        self._proc_root = proc_root
        self.lost = 0
        self._rest = b""  # an incomplete line; records longer than the shared buffer are never needed
        self._sequence = -1  # of the newest record that was read
        self._missed = False  # there may have been others since
        self._open()

    def _open(self):
        """Open a readable log; file is None if there is none."""
        self.file = None
        self.pollable = False
        self._tried_ms = compat.ticks_ms()
        self._path = "/dev/kmsg"
        self._records = self._proc_root == "/proc" and self._open_file() and self._gives_records()
        if not self._records:
            self._path = self._proc_root + "/kmsg"
            self._open_file()

    def _open_file(self):
        try:
            self.file = compat.open_nonblocking(self._path)
        except OSError as error:
            self._error = error
            return False
        self.pollable = compat.is_pollable(self._path)
        return True

    def why_missing(self):
        """Why no log can be read, as text; None if one can."""
        return None if self.file is not None else "%s: %s" % (self._path, compat.reason(self._error))

    def _open_again(self):
        """Try to open a log that failed, at most once in RETRY_MS."""
        if compat.ticks_diff(compat.ticks_ms(), self._tried_ms) >= RETRY_MS:
            self._rest = b""
            self._missed = True
            self._open()
            self.pollable = False  # it is no longer registered with poll(), but read at every poll

    def _gives_records(self):
        """True if /dev/kmsg can be read: before 3.5 every read fails with EINVAL.

        So does the read of a record too long for the buffer, hence several tries. Reading starts again afterwards:
        every open has its own position.
        """
        for _ in range(8):
            try:
                compat.read_some(self.file, shared.buffer)
            except OSError as error:
                if error.errno == _EINVAL:
                    continue
            self.file.close()
            return self._open_file()
        self._close()
        return False

    def _close(self):
        self.file.close()
        self.file = None
        self.pollable = False

    def drain(self, handler):
        """Give the available lines to handler(text, stamp_cs), at most about 8 kB at a time; never blocks.

        text: printable str without prefix. stamp_cs: centiseconds since boot, None without a time stamp. An incomplete
        line waits for its end; one over 512 bytes is cut. If file is None, opening is tried again now and then.
        """
        if self.file is None:
            self._open_again()
        self._handler = handler
        shared.clear(self._rest)
        budget = DRAIN_BYTES
        while self.file is not None and budget > 0:
            budget -= _LEAST_COST_BYTES
            try:
                count = compat.read_some(self.file, shared.buffer)
            except OSError as error:
                if error.errno == _EPIPE:
                    self._missed = True
                elif error.errno != _EINVAL:
                    self._error = error
                    self._close()
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
            text, stamp_cs, sequence = parse_record(record)
        except ValueError:
            return  # not a record: the next read gives the next one
        if sequence <= self._sequence:
            return  # a reopened log begins with its oldest record: this one was already read
        if self._missed and self._sequence >= 0:
            self.lost += sequence - self._sequence - 1
        self._missed = False
        self._sequence = sequence
        if text is not None:
            self._handler(text, stamp_cs)

    def _line(self, line):
        line = printable(line)
        if not is_of_program(line):
            text, stamp_cs, _ = strip_prefix(line)
            self._handler(text, stamp_cs)
