"""/proc/stat: how many processes were ever created (fs/proc/stat.c)."""

from .procfile import ProcFile


def parse_line(line):
    """The count in a line `processes COUNT`, None for another line; ValueError if the count cannot be read."""
    return int(line[10:]) if line.startswith(b"processes ") else None


class Stat(ProcFile):
    """processes: the number created since boot, at the last read(); None if the kernel does not say."""

    def __init__(self, proc_root):
        ProcFile.__init__(self, proc_root, "/stat")

    def read(self):
        """Read the file; OSError."""
        self.processes = None
        self.lines(self._line)

    def _line(self, line):
        self.processes = parse_line(line)
        return b"\nprocesses " if self.processes is None else True  # skips the rows of processors and interrupts
