"""The loop: one poll() with a timeout is the only wait. Streams are served between polls, a line at a time."""

import select

from . import compat

TICK_MS = 10000  # how often links are checked, even if the agent polls less often
RESTLESS_TICK_MS = 1000  # the same while one of them is restless, see links.base.Link.is_restless()
_FAILED = select.POLLERR | select.POLLHUP | 32  # 32: POLLNVAL, nameless in MicroPython


class Loop:
    """agent: the agent's state (poll(), drain_kernel_log(), refresh()). Links register their streams here."""

    def __init__(self, agent, interval_ms):
        self.agent = agent
        self.interval_ms = interval_ms
        self.poller = compat.new_poller()
        self.links = []
        self.kernel_log = -1  # descriptor, while it is polled
        self.ticked_ms = compat.ticks_ms()
        self.has_changed = False  # a descriptor was added or removed since poll()

    def register(self, descriptor, mask):
        """MemoryError if the heap has no room: with half an entry, MicroPython's next poll() would crash."""
        compat.make_room()
        self.poller.register(descriptor, mask)
        self.has_changed = True

    def watch(self, conversation):
        self.register(conversation.stream.fileno(), self._mask(conversation))

    def watch_kernel_log(self, descriptor):
        self.kernel_log = descriptor
        self.register(descriptor, select.POLLIN)

    def drop(self, conversation, link):
        """Close a conversation's stream and inform its link."""
        self.poller.unregister(conversation.stream.fileno())
        self.has_changed = True
        conversation.close()
        link.lost()

    def run(self):
        """Poll until KeyboardInterrupt, or until no link is left.

        A poll that is late by more than an interval is skipped.
        """
        due = compat.ticks_ms()
        while self.links:
            now = compat.ticks_ms()
            late = compat.ticks_diff(now, due)
            if late >= 0:
                self.agent.poll()
                for link in self.links:
                    link.polled(self.agent.starved)
                due = compat.ticks_add(due, (late // self.interval_ms + 1) * self.interval_ms)
                now = compat.ticks_ms()
            wait_ms = self._until_tick(now)
            if wait_ms <= 0:
                self.tick(now)
                wait_ms = self._until_tick(now)
            if late >= 0 or self.ticked_ms == now:
                self.wake()
            if self.agent.commands is not None and self.agent.commands.work(self):
                wait_ms = 0
            self.serve(max(0, min(wait_ms, compat.ticks_diff(due, now))))

    def _until_tick(self, now_ms):
        period_ms = TICK_MS
        for link in self.links:
            if link.is_restless():
                period_ms = RESTLESS_TICK_MS
        return period_ms - compat.ticks_diff(now_ms, self.ticked_ms)

    def tick(self, now_ms):
        """Let the links reopen lost streams, and end overdue ones. Without room in the heap, try again later."""
        self.ticked_ms = now_ms
        for link in self.links:
            try:
                link.tick(now_ms)
            except MemoryError:
                self.agent.leave_out()

    def wake(self):
        """Ask poll() for streams with room if there is something to send, and with input if it is wanted."""
        for link in self.links:
            for conversation in link.conversations:
                if conversation.stream is not None:
                    self.poller.modify(conversation.stream.fileno(), self._mask(conversation))

    def _mask(self, conversation):
        return (select.POLLIN if conversation.wants_read() else 0) | (
            select.POLLOUT if conversation.wants_write() else 0
        )

    def serve(self, timeout_ms):
        """Wait for streams at most timeout_ms, and serve each that is ready once.

        After a descriptor was added or removed, the rest of poll()'s answer may be about other streams: poll again.
        """
        self.has_changed = False
        for descriptor, mask in compat.wait(self.poller, timeout_ms):
            if descriptor == self.kernel_log:
                if not mask & select.POLLIN or not self.agent.drain_kernel_log():
                    self._forget_kernel_log()
                if self.agent.failures is not None and self.agent.failures.is_map_due():
                    self.agent.poll()  # the blocks and the map at the moment of a failure
                self.wake()
            else:
                try:
                    self._serve_link(descriptor, mask)
                except MemoryError:  # the client was refused, or is tried again
                    self.agent.leave_out()
            if self.has_changed:
                break

    def _forget_kernel_log(self):
        """The log closed, or its FIFO has no writer (POLLHUP for ever): retry once a poll, if at all."""
        self.poller.unregister(self.kernel_log)
        self.kernel_log = -1
        self.agent.kernel_log.pollable = False
        self.has_changed = True

    def _serve_link(self, descriptor, mask):
        for link in self.links:
            if link.listens_at == descriptor:
                try:
                    link.accept()
                except OSError:
                    pass  # it is closed
                return
            for conversation in link.conversations:
                if conversation.stream is not None and conversation.stream.fileno() == descriptor:
                    self._serve_conversation(conversation, link, mask)
                    return

    def _serve_conversation(self, conversation, link, mask):
        try:
            if mask & select.POLLIN:
                conversation.receive()
                link.heard(conversation)
            elif mask & _FAILED:
                raise OSError(0)
            if mask & select.POLLOUT:
                conversation.send()
        except OSError:
            self.drop(conversation, link)
            return
        except MemoryError:
            self.agent.leave_out()
            # A client is disconnected. A line that flows unasked only loses the current output: without its standard
            # output the agent would end.
            if not conversation.flows_unasked:
                self.drop(conversation, link)
                return
            if conversation.answers:
                conversation.answers.pop(0)
        self.poller.modify(conversation.stream.fileno(), self._mask(conversation))
