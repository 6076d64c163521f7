"""The common part of all links: one stream at a time, reopened when it was lost.

A link gives its descriptors to the loop and keeps itself alive: tick(), which the loop calls now and then and which
never blocks, reopens lost streams. All conversations are made at the start.
"""

from .. import compat

RETRY_MIN_MS, RETRY_MAX_MS = 1000, 60000


class Link:
    """One stream at a time, reopened after growing delays when it was lost.

    opener(target) gives a stream or raises OSError. new_filter: TelnetFilter where telnet's commands may come, or None.
    """

    listens_at = -1  # the descriptor of a listening socket; accept() is called when a client connects

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
        """Begin a conversation. If that fails (OSError, MemoryError) the stream is closed."""
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
        """A poll was made, or this many polls in a row found no room in the heap."""

    def is_restless(self):
        """True if tick() must come within a second: a stream is closed, or a conversation may have to end."""
        return not self.is_open()

    def tick(self, now_ms):
        if not self.is_open() and compat.ticks_diff(now_ms, self.due_ms) >= 0:
            try:
                self.open()
            except (OSError, MemoryError):
                self.lost()

    def lost(self):
        """The stream failed, or could not be opened: try again later."""
        if self.opener is compat.open_output:  # its descriptor is closed, and may belong to another stream by now
            self.loop.links.remove(self)
        self.due_ms = compat.ticks_add(compat.ticks_ms(), self.retry_ms)
        self.retry_ms = min(self.retry_ms * 2, RETRY_MAX_MS)

    def heard(self, conversation):
        """Data was received. The next loss is followed by a try at once only if a host has accepted this board.

        Somebody who answers and then hangs up, such as a host that refuses the secret or the name, is no reason to.
        """
        if conversation.is_accepted():
            self.retry_ms = RETRY_MIN_MS
