"""A terminal that belongs to a shell or a login program: the agent only writes to it, and does not change it.

Typed text goes to the shell, so nothing is read; the modes belong to the shell (its echo, its NL to CR NL), so none is
set. Frames begin on a new line after existing text, and only a few are sent at a time.
"""

from .. import compat
from ..talk.conversation import Conversation
from .base import Link

LINES_A_POLL = 4  # one for the snapshot, the others for delayed frames; few, so that the shell stays usable


class ConsoleConversation(Conversation):
    """The conversation with the reader of the terminal."""

    reads = False

    def __init__(self, agent):
        Conversation.__init__(self, agent, True)
        self.allowed = LINES_A_POLL

    def wants_write(self):
        return bool(self.out) or (self.allowed > 0 and Conversation.wants_write(self))

    def _next_line(self):
        line = Conversation._next_line(self)
        if not line:
            return line
        if self.allowed == LINES_A_POLL and line != b"\n":
            line = b"\n" + line  # the line may contain a prompt and half a command
        self.allowed -= 1
        return line


def open_terminal(path):
    """A terminal with its modes unchanged. A regular file is refused: it would grow for ever."""
    if not compat.is_pollable(path):
        raise OSError(25 if compat.exists(path) else 2, "")
    return compat.open_tty(path)


class Console(Link):
    def __init__(self, agent, loop, path):
        Link.__init__(self, loop, "console %s" % path, ConsoleConversation(agent), open_terminal, path)

    def polled(self, starved):
        self.conversations[0].allowed = LINES_A_POLL
