"""Commands such as rm, ls and kill, done inside the agent: for a board on which no program starts any more (--allow).

In: the words of one command at a time, from a peer that may give it. Out: its output in pieces, an event in the ring.
May touch: whatever the command names. Imported while a command runs, and unloaded afterwards.
"""


class Wrong(Exception):
    """A command that cannot be done as it was given. Its text ends the command's output."""
