"""What all links have in common: one stream at a time, opened again when it was lost.

A link gives the loop its descriptors and keeps itself alive: what is gone is opened again by tick(), which the loop
calls now and then and which never waits. All conversations are made at the start.
"""

from .. import compat

RETRY_MIN_MS, RETRY_MAX_MS = 1000, 60000


class Link:
    """One stream at a time, opened again, later and later, when it was lost.

    opener(target) gives a stream or raises OSError. new_filter: TelnetFilter where telnet's commands may come, or None.
    """

    listens_at = -1  # the descriptor of a socket that listens; accept() is called when somebody comes

    def __init__(self, loop, label, conversation, opener, target, new_filter=None):
        self.loop = loop
        self.label = label
        self.conversations = [conversation]
        self.opener = opener
        self.target = target
        self.new_filter = new_filter
        self.retry_ms = RETRY_MIN_MS
        self.due_ms = compat.ticks_ms()

    def is_open(self):
        return self.conversations[0].stream is not None

    def open(self):
        """OSError if it cannot be opened now."""
        compat.make_room()
        self.start(self.conversations[0], self.opener(self.target))

    def start(self, conversation, stream):
        """Begin a conversation. Where that fails (OSError, MemoryError) the stream is closed."""
        try:
            conversation.attach(stream, self.new_filter and self.new_filter())
            self.loop.watch(conversation)
        except (OSError, MemoryError):
            if conversation.stream is None:
                stream.close()
            else:
                conversation.close()
            raise

    def polled(self, starved):
        """A poll was made, or so many polls on end found no room in the heap."""

    def is_restless(self):
        """Whether tick() is to come within a second: something is closed, or a conversation is in question."""
        return not self.is_open()

    def tick(self, now_ms):
        if not self.is_open() and compat.ticks_diff(now_ms, self.due_ms) >= 0:
            try:
                self.open()
            except (OSError, MemoryError):
                self.lost()

    def lost(self):
        """It failed, or could not be opened: try again in a while."""
        if self.opener is compat.open_output:  # its descriptor is closed, and may be somebody else's by now
            self.loop.links.remove(self)
        self.due_ms = compat.ticks_add(compat.ticks_ms(), self.retry_ms)
        self.retry_ms = min(self.retry_ms * 2, RETRY_MAX_MS)

    def heard(self):
        """Something came in, so the other side is really there."""
        self.retry_ms = RETRY_MIN_MS
