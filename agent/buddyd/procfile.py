"""Reads text files line by line, again and again, without growing: /proc has its figures ready at every seek(0)."""

from . import compat

BUFFER_BYTES = 1024


class LineCutter:
    """Cuts what was read into `buffer`, chunk after chunk, into lines. A line longer than the buffer loses its end."""

    def __init__(self, size):
        self.buffer = bytearray(size)
        self._view = memoryview(self.buffer)
        self._rest = b""  # the torn line at the end of the chunk before

    def feed(self, count, handler):
        """Give each line in the first `count` bytes of the buffer, as bytes without newline, to handler.

        True, and the rest of the chunk is dropped, as soon as handler(line) returns True.
        """
        buffer, view, rest = self.buffer, self._view, self._rest
        start = 0
        end = buffer.find(b"\n", 0, count)
        while end >= 0:
            line = bytes(view[start:end])
            if rest:
                line = (rest + line)[: len(buffer)]
                rest = b""
            if handler(line):
                self._rest = b""
                return True
            start = end + 1
            end = buffer.find(b"\n", start, count)
        if start < count:
            rest = (rest + bytes(view[start:count]))[: len(buffer)]
        self._rest = rest
        return False

    def clear(self):
        """Forget a torn line."""
        self._rest = b""

    def finish(self, handler):
        """Give the torn line, if there is one, to handler: the file ends without a newline."""
        if self._rest:
            handler(self._rest)


# One buffer for all files: no handler here reads another file, and a board has no RAM for one each.
_shared = LineCutter(BUFFER_BYTES)


class ProcFile:
    """A file that is read from its start as often as wanted.

    One under /proc stays open: a poll is then a seek and a read. Any other file may be a recording that is replaced by
    another of the same name, so it is opened each time.
    """

    def __init__(self, path, size=BUFFER_BYTES):
        self.path = path
        self._cutter = _shared if size == BUFFER_BYTES else LineCutter(size)
        self._file = None
        self._stays_open = path.startswith("/proc/")

    def lines(self, handler):
        """Read the file and give each line (bytes, no newline) to handler(line) until it returns True.

        OSError as the kernel gave it; the next call opens the file anew.
        """
        cutter = self._cutter
        cutter.clear()
        try:
            if self._file is None:
                self._file = compat.open_binary(self.path)
            else:
                self._file.seek(0)
            readinto = self._file.readinto
            count = readinto(cutter.buffer)
            while count and not cutter.feed(count, handler):
                count = readinto(cutter.buffer)
        except OSError:
            self.close()
            raise
        if not count:
            cutter.finish(handler)
        if not self._stays_open:
            self.close()

    def first_line(self):
        """The first line (bytes); OSError, or ValueError for an empty file."""
        self._first = None
        self.lines(self._keep)
        if self._first is None:
            raise ValueError("%s is empty" % self.path)
        return self._first

    def _keep(self, line):
        self._first = line
        return True

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None
