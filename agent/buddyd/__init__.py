"""The agent: reads the free blocks of the kernel on which it runs, and sends them."""

import sys

VERSION = "0.1.0"
STOPPED, USAGE, NOTHING_TO_READ, NO_LINK = 0, 2, 3, 4  # exit codes


def const(value):
    """MicroPython's compiler replaces `_NAME = const(...)` by its value, so the name takes no heap."""
    return value


def say(text):
    """One line on standard error."""
    sys.stderr.write("buddyd: %s\n" % text)


def forget(room, name):
    """Unload the module `name` of a package (its full name), if it was imported, to free its heap.

    It can be imported again. This function takes no heap, since it is called when there is none.
    """
    package = sys.modules.get(room)
    module = getattr(package, name, None)
    for path in sys.modules:
        if module is not None and sys.modules[path] is module:
            del sys.modules[path]
            delattr(package, name)
            return
