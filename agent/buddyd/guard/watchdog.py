"""The watchdog: a device that resets the board unless somebody writes to it. Each poll that took a sample does.

Source: Documentation/watchdog/watchdog-api.rst of the kernel. A `V` before the device is closed stops it; without one
the kernel goes on and resets the board.
"""

from .. import compat, const

_CARD_RESET = const(0x20)  # WDIOF_CARDRESET: the last reset was the watchdog's
_ENXIO = const(6)
_BOOT_STATUS, _TIMEOUT = 0, 1


class Watchdog:
    """agent: agent.Agent. path: the device. Opened once, and kept open."""

    name = "watchdog"

    def __init__(self, agent, path):
        self._agent = agent
        self._stream = None
        self._state = "%s is not fed" % path
        try:
            if not compat.is_pollable(path):
                raise OSError(_ENXIO, "")
            self._stream = compat.open_tty(path)
        except OSError as error:
            self._report("cannot open %s: %s" % (path, compat.reason(error)))
            return
        timeout_s = self._ask(_TIMEOUT)
        if timeout_s is not None and timeout_s * 1000 < 2 * agent.interval_ms:
            self.end()
            self._report(
                "%s not fed: it resets after %d s, polls come every %d ms" % (path, timeout_s, agent.interval_ms)
            )
            return
        self._state = "%s fed in each poll" % path + ("" if timeout_s is None else ", resets after %d s" % timeout_s)
        agent.more_facts += ((self.name, "?" if timeout_s is None else str(timeout_s)),)
        if (self._ask(_BOOT_STATUS) or 0) & _CARD_RESET:
            self._report("it has reset the board before this boot, as it was not fed")

    def status(self):
        return "watchdog: " + self._state

    def _ask(self, what):
        """A number of the device; None if it, or this interpreter, cannot tell."""
        try:
            from ..compat.calls import calls

            return calls.watchdog(self._stream.fileno(), what)
        except OSError:
            return None

    def failed(self, found):
        pass

    def polled(self):
        self._write(b"\0")

    def _write(self, data):
        if self._stream is None:
            return
        try:
            compat.write(self._stream, data, 0, 1)
        except OSError as error:
            stream, self._stream = self._stream, None
            stream.close()
            self._state = "it cannot be fed: %s" % compat.reason(error)
            self._report(self._state)

    def end(self):
        """A wished end: the watchdog stops."""
        self._write(b"V")
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _report(self, text):
        agent = self._agent
        agent.event(agent.sampler.uptime_cs(), "source", None, None, None, "watchdog: " + text)
