"""The loop: one poll() with a timeout is the only sleep. Streams are served between polls, a line at a time."""

import select

from . import compat

_FAILED = select.POLLERR | select.POLLHUP | 32  # 32: POLLNVAL, nameless in MicroPython


class Loop:
    """desk: the agent's state (poll(), drain_kernel_log(), refresh()). Links register their streams here."""

    def __init__(self, desk, interval_ms):
        self.desk = desk
        self.interval_ms = interval_ms
        self.poller = compat.new_poller()
        self.links = []
        self.peers = {}  # descriptor: (peer, link)
        self.listeners = {}  # descriptor: link
        self.kernel_log = -1  # descriptor, while it is polled

    def watch(self, peer, link):
        descriptor = peer.stream.fileno()
        self.peers[descriptor] = (peer, link)
        self.poller.register(descriptor, self._mask(peer))

    def watch_listener(self, listener, link):
        self.listeners[listener.fileno()] = link
        self.poller.register(listener.fileno(), select.POLLIN)

    def watch_kernel_log(self, descriptor):
        self.kernel_log = descriptor
        self.poller.register(descriptor, select.POLLIN)

    def ignore_listener(self, listener):
        del self.listeners[listener.fileno()]
        self.poller.unregister(listener.fileno())

    def drop(self, peer):
        """Close a peer's stream and tell its link."""
        descriptor = peer.stream.fileno()
        link = self.peers.pop(descriptor)[1]
        self.poller.unregister(descriptor)
        peer.close()
        link.lost()

    def run(self):
        """Poll until KeyboardInterrupt, or until no link is left.

        A poll that is late by more than an interval is left out, not made up for.
        """
        due = compat.ticks_ms()
        while self.links:
            now = compat.ticks_ms()
            late = compat.ticks_diff(now, due)
            if late >= 0:
                self.desk.poll()
                for link in self.links:
                    link.tick(now)
                self.wake()
                due = compat.ticks_add(due, (late // self.interval_ms + 1) * self.interval_ms)
                now = compat.ticks_ms()
            self.serve(max(0, compat.ticks_diff(due, now)))

    def wake(self):
        """Ask poll() for room wherever there is something to send."""
        for descriptor in self.peers:
            self.poller.modify(descriptor, self._mask(self.peers[descriptor][0]))

    def _mask(self, peer):
        # What waits to be told goes out before more is taken in: a peer that asks and never listens costs nothing.
        reads = peer.reads and not peer.answers
        return (select.POLLIN if reads else 0) | (select.POLLOUT if peer.wants_write() else 0)

    def serve(self, timeout_ms):
        """Wait for streams at most timeout_ms, and serve each that is ready once."""
        for descriptor, mask in compat.wait(self.poller, timeout_ms):
            if descriptor in self.peers:
                self._serve_peer(descriptor, mask)
            elif descriptor in self.listeners:
                self.listeners[descriptor].accept()
            elif descriptor == self.kernel_log:
                if not mask & select.POLLIN or not self.desk.drain_kernel_log():
                    self._forget_kernel_log()
                self.wake()

    def _forget_kernel_log(self):
        """It is gone, or a FIFO whose writer is, which reports POLLHUP for ever: look at it once a poll, if at all."""
        self.poller.unregister(self.kernel_log)
        self.kernel_log = -1
        self.desk.kernel_log.pollable = False

    def _serve_peer(self, descriptor, mask):
        peer, link = self.peers[descriptor]
        try:
            if mask & select.POLLIN:
                peer.receive()
                link.heard()
            elif mask & _FAILED:
                raise OSError(0)
            if mask & select.POLLOUT:
                peer.send()
        except (OSError, MemoryError):  # MemoryError: an answer that the heap has no room for costs its peer
            self.drop(peer)
            return
        self.poller.modify(descriptor, self._mask(peer))
