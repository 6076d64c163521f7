"""Reads text files line by line, repeatedly, in constant memory: /proc has new figures after every seek(0)."""

from .. import compat
from .kernel_messages import printable

BUFFER_BYTES = 512  # a line of /proc that matters has at most 200


class LineCutter:
    """Cuts the chunks read into `buffer` into lines. A line longer than the buffer loses its end.

    A handler gets each line, as bytes without newline. It returns None to continue, True to stop, or a newline and the
    start of the next line that it wants: find() skips the lines before that ten times faster. The first line at which
    it raised ValueError is kept in `bad`.
    """

    def __init__(self, size):
        self.buffer = bytearray(size)
        self._view = memoryview(self.buffer)
        self.clear()

    def clear(self, rest=b""):
        """Prepare for another file, or for the rest of one whose last line was incomplete (`rest`)."""
        self.rest = rest
        self._wanted = self.bad = None

    def feed(self, count, handler):
        """Handle the lines in the first `count` bytes of the buffer, 0 at the file's end; True when done."""
        buffer, start = self.buffer, 0
        while True:
            end = buffer.find(b"\n", start, count) if count else 0
            line = self._take(start, end if end >= 0 else count)
            if end < 0:
                self.rest = line
                return False
            self.rest = b""
            if (line or count) and (not self._wanted or line.startswith(self._wanted[1:])):
                try:
                    self._wanted = handler(line)
                except ValueError:
                    self._wanted = None
                    self.bad = self.bad or line
            if self._wanted is True or not count:
                return True
            start = end + 1
            if self._wanted:
                end = buffer.find(self._wanted, end, count)
                start = (end if end >= 0 else buffer.rfind(b"\n", 0, count)) + 1

    def _take(self, start, end):
        """The line that ends, or is cut, at `end`; of an unwanted line only its start.

        The row `intr` of /proc/stat has several kB on a PC, and a small heap has no room for such a piece.
        """
        wanted = self._wanted
        if wanted:
            line = self.rest + bytes(self._view[start : min(end, start + len(wanted))])
            if not wanted[1:].startswith(line[: len(wanted) - 1]):
                return line[: len(wanted)]
        line = bytes(self._view[start:end])
        return (self.rest + line)[: len(self.buffer)] if self.rest else line


# One buffer for all files: no handler reads another file, and a board has no RAM for one buffer each.
shared = LineCutter(BUFFER_BYTES)


class ProcFile:
    """A file that is read from its start each time.

    A file under /proc stays open: a poll is then a seek and a read. Other files may be recordings that are replaced by
    one of the same name, so they are opened each time. first_error: the first unusable line of the last read, if any.
    """

    def __init__(self, folder, name):
        self._folder = folder
        self._name = name
        self.first_error = None
        self._file = None

    def path(self):
        return self._folder + self._name  # not kept: that would take 0.1 kB for each file

    def lines(self, handler):
        """Read the file and give its lines to handler, see LineCutter. After an OSError the next call reopens it."""
        cutter = shared
        cutter.clear()
        try:
            if self._file is None:
                self._file = compat.open_binary(self.path())
            else:
                self._file.seek(0)
            while not cutter.feed(self._file.readinto(cutter.buffer), handler):
                pass
        except OSError:
            self.close()
            raise
        self.first_error = cutter.bad and "%s: cannot read `%s`" % (self.path(), printable(cutter.bad[:80]))
        if self._folder not in ("/proc", "/proc/"):
            self.close()

    def first_line(self):
        """The first line (bytes); OSError, ValueError for an empty file."""
        self._first = None
        self.lines(self._keep)
        if self._first is None:
            raise ValueError("%s is empty" % self.path())
        return self._first

    def _keep(self, line):
        self._first = line
        return True

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None
