"""The agent: watches the free blocks of the kernel it runs on and streams them."""

import sys

VERSION = "0.1.0"
STOPPED, USAGE, NOTHING_TO_READ, NO_LINK = 0, 2, 3, 4  # exit codes


def const(value):
    """MicroPython's compiler puts the value of `_NAME = const(...)` where the name stands, so that it takes no heap."""
    return value


def say(text):
    """One line on standard error."""
    sys.stderr.write("buddyd: %s\n" % text)


def forget(name):
    """Drop the module buddyd.NAME, which is not needed again: what is in it leaves the heap."""
    del sys.modules["buddyd." + name]
    delattr(sys.modules["buddyd"], name)
