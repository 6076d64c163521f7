"""The black box: after a kernel failure the newest frames are written into a file, for a host to fetch after a reboot.

The file is a line with the boot's id and its frames' numbers, a hello, then the frames as they are in the ring: each
line has its check, so of a torn file what is whole is used. Flash wears: it is written for a failure only, and at most
once an hour. At the start the file is put aside as FILE.before; that is what a host gets.
"""

import os

from .. import compat, const, wire

EVERY_MS = const(3600000)
_BEFORE = ".before"
_NEW = ".new"


class BlackBox:
    """agent: agent.Agent. path: the file."""

    name = "blackbox"

    def __init__(self, agent, path):
        self._agent = agent
        self._path = path
        self._written_ms = None  # when it was written last
        self._polls = 0  # two at most: what the log holds from before them is no news
        self._because = None  # the failure that it is to be written for
        self._is_told = False  # that it cannot be written
        self._held = None  # (boot, first, next) of the box of an earlier boot
        self._set_aside()
        self._held = self._head()
        held = "-" if self._held is None else "%s/%d/%d" % self._held
        agent.more_facts += ((self.name, held),)
        agent.earlier = self.earlier

    def _set_aside(self):
        """A start without a failure before it keeps the older box."""
        try:
            if compat.exists(self._path):
                os.rename(self._path, self._path + _BEFORE)
        except OSError as error:
            self._report("cannot rename %s: %s" % (self._path, compat.reason(error)))

    def _head(self):
        """(boot, first, next) of the box; None if there is none, or its first line is damaged."""
        try:
            with open(self._path + _BEFORE, "rb") as file:
                content = wire.unseal(file.readline(wire.LINE_MAX)[:-1])
            return None if content is None else wire.parse_numbers(content)
        except (OSError, ValueError):
            return None

    def status(self):
        if self._held is None:
            return "blackbox: %s, nothing from before this start" % self._path
        boot, first, end = self._held
        return "blackbox: %s, frames %d to %d of the boot %s" % (self._path, first, end - 1, boot)

    def earlier(self, boot):
        """Lines (an iterator): the hello and the frames of an earlier boot, as far as they are whole, and a hello."""
        return self._lines() if self._held is not None and boot == self._held[0] else self._agent.hello()

    def _lines(self):
        boot, sequence, end = self._held
        try:
            with open(self._path + _BEFORE, "rb") as file:
                file.readline(wire.LINE_MAX)
                while sequence < end:
                    line = file.readline(wire.LINE_MAX)[:-1]
                    hidden = b""
                    if line[1:2] != wire.HELLO:
                        hidden = wire.context(boot, sequence)
                        sequence += 1
                    if wire.unseal(line, hidden) is None:
                        break
                    yield line
        except OSError:
            pass
        yield from self._agent.hello()

    def failed(self, found):
        if self._polls > 1:
            self._because = found[0]

    def polled(self):
        self._polls = min(self._polls + 1, 2)
        if self._because is None:
            return
        now_ms = compat.ticks_ms()
        if self._written_ms is not None and compat.ticks_diff(now_ms, self._written_ms) < EVERY_MS:
            return
        self._written_ms, self._because = now_ms, None
        ring = self._agent.ring
        first = ring.key_before if ring.key_before >= ring.oldest else ring.key
        if first < ring.oldest:
            return
        try:
            self._write(first)
        except OSError as error:
            if not self._is_told:
                self._is_told = True
                self._report("cannot write %s: %s" % (self._path, compat.reason(error)))
            return
        self._is_told = False
        self._report("wrote frames %d to %d to %s" % (first, ring.next - 1, self._path))

    def _write(self, first):
        """Whoever reads the file has the one before, or the whole new one."""
        agent, ring = self._agent, self._agent.ring
        with open(self._path + _NEW, "wb") as file:
            head = b"%sB %s %d %d " % (wire.MARK, agent.boot.encode(), first, ring.next)
            file.write(wire.seal(head) + b"\n")
            facts = agent._facts(agent.sampler.uptime_cs(), first, first, ring.next)
            for line in wire.hello_lines(agent.boot, facts):
                file.write(line + b"\n")
            known = offset = 0
            for sequence in range(first, ring.next):
                known, offset = sequence, ring.locate(sequence, known, offset)
                file.write(ring.line(offset) + b"\n")
            _to_flash(file)
        os.rename(self._path + _NEW, self._path)

    def end(self):
        pass

    def _report(self, text):
        agent = self._agent
        agent.event(agent.sampler.uptime_cs(), "source", None, None, None, "blackbox: " + text)


def _to_flash(file):
    """Without this a power cut may leave the new name and nothing in it. Left out where the interpreter cannot."""
    from ..compat.calls import calls

    file.flush()
    try:
        calls.fsync(file.fileno())
    except OSError:
        pass
