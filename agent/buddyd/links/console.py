"""A terminal that belongs to a shell or a login program: the agent only writes on it, and lets it be as it is.

What is typed goes to the shell, so nothing is read; the modes are the shell's (its echo, its NL to CR NL), so none is
set. Frames begin on a line of their own behind whatever stands there, and only a few come at a time.
"""

from .. import compat
from ..talk.conversation import Conversation
from .base import Link

LINES_A_POLL = 4  # one is the snapshot, the others make up for what was held back, so that a shell stays usable


class ConsoleConversation(Conversation):
    """The conversation with whoever listens to the terminal."""

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
            line = b"\n" + line  # a prompt may stand there, with half a command behind it
        self.allowed -= 1
        return line


def open_terminal(path):
    """A terminal as it is. What is a file would grow for ever, so it is none."""
    if not compat.is_pollable(path):
        raise OSError(25 if compat.exists(path) else 2, "")
    return compat.open_tty(path)


class Console(Link):
    def __init__(self, agent, loop, path):
        Link.__init__(self, loop, "console %s" % path, ConsoleConversation(agent), open_terminal, path)

    def polled(self, starved):
        self.conversations[0].allowed = LINES_A_POLL
