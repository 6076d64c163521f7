"""/proc/uptime: the board's only reliable clock (fs/proc/uptime.c)."""


def parse_line(line):
    """Centiseconds since boot from a line such as `14.68 8.91`, without floats; ValueError for any other."""
    seconds, rest = line.split(b".", 1)
    return int(seconds) * 100 + int(rest[:2])


def read(procfile):
    """Centiseconds since boot from the ProcFile of <proc>/uptime; OSError, ValueError."""
    return parse_line(procfile.first_line())
