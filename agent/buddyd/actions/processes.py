"""ps and kill."""

from .. import compat
from ..compat.calls import calls
from ..sources.kernel_messages import printable
from ..sources.procfile import ProcFile
from ..sources.programs import parse_region
from . import Wrong
from .paths import failed
from .words import need

# The same numbers on all of Linux' processors but MIPS, Alpha and SPARC.
_SIGNALS = (("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15))
_SIGNALS_MORE = (("CONT", 18), ("STOP", 19), ("TSTP", 20))
_SHOWN = 5  # pieces of memory of a process


class _Process:
    """What one process is, from its stat and its maps."""

    def __init__(self, root, pid, page_bytes):
        self._page_bytes = page_bytes
        self.name, self.state, self.resident_pages, self.regions = "", "?", 0, []
        folder = "%s%d" % (root, pid)
        self._read(folder, "/stat", self._take_stat)
        if page_bytes:
            self._read(folder, "/maps", self._take_region)

    def _read(self, folder, name, handler):
        file = ProcFile(folder, name)
        try:
            file.lines(handler)
        finally:
            file.close()

    def _take_stat(self, line):
        opening, closing = line.find(b"("), line.rfind(b")")
        fields = line[closing + 1 :].split()
        self.name, self.state = printable(line[opening + 1 : closing]), str(fields[0], "ascii")
        self.resident_pages = int(fields[21])
        return True

    def _take_region(self, line):
        region = parse_region(line, self._page_bytes)
        if region is not None:
            self.regions.append(region[1])

    def line(self, pid, page_kb):
        kb = sum(self.regions) * page_kb if self.regions else 0
        pieces = ["%d" % (pages * page_kb) for pages in self.regions[:_SHOWN]]
        if len(self.regions) > _SHOWN:
            pieces.append("%d more" % (len(self.regions) - _SHOWN))
        return ("%5d %-4s %6d %-24s %s\n" % (pid, self.state, kb, "+".join(pieces) or "-", self.name)).encode()


def ps(agent, words):
    """Without an MMU: the memory of its own that each process has, and in which pieces. Else what is resident."""
    need("ps", words, 0, "", 0)
    system = agent.sampler.system
    page_bytes = system.page_bytes or 4096
    yield b"  PID STAT     KB PIECES_KB                COMMAND\n"
    try:
        pids = compat.numbers(system.root)
    except OSError as error:
        yield failed("ps", error, system.root.encode())
        return
    pids.sort()
    for pid in pids:
        try:
            process = _Process(system.root, pid, page_bytes if system.no_mmu else 0)
            if not system.no_mmu and process.resident_pages:
                process.regions = [process.resident_pages]
            yield process.line(pid, page_bytes // 1024)
        except OSError:
            pass  # it has ended meanwhile
        yield None


def kill(agent, words):
    """`kill [-SIGNAL] PID...`: a number, or a name with or without SIG."""
    number = 15
    if words and words[0][:1] == b"-" and len(words[0]) > 1:
        number = _signal(printable(words[0][1:]))
        words = words[1:]
    need("kill", words, 1, "[-SIGNAL] PID...")
    for word in words:
        if not word.isdigit() or not 0 < len(word) < 9 or not int(word):
            yield "kill: invalid number '%s'" % printable(word[:20])
            continue
        try:
            calls.kill(int(word), number)
        except OSError as error:
            yield failed("kill", error, word, "can't kill pid %s")
        yield None


def _signal(text):
    if text.isdigit() and len(text) < 3:
        return int(text)
    for name, number in _SIGNALS + _SIGNALS_MORE:
        if text.upper() == name or text.upper() == "SIG" + name:
            return number
    raise Wrong("kill: bad signal name '%s'" % text[:20])
