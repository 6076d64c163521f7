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


def forget(room, name):
    """Drop the module `name` of a package (its full name), if it was imported: what is in it leaves the heap.

    It can be imported again. This takes no heap, for it is done where there is none.
    """
    package = sys.modules.get(room)
    module = getattr(package, name, None)
    for path in sys.modules:
        if module is not None and sys.modules[path] is module:
            del sys.modules[path]
            delattr(package, name)
            return
