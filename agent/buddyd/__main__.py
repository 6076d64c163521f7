"""Start, then the loop until a signal stops it."""

import sys

from . import NO_LINK, STOPPED, USAGE, compat, const, forget, say

# The free heap needed in one piece after the start: with less, objects that clients leave behind can end the agent
# later. With 1.5 kB, and modules from .mpy files, whose names stay, a host that connected after a user ended it.
_SPARE_BYTES = const(2560)


def main(arguments):
    """Run the agent; the exit code."""
    compat.collect_every(1024)
    loop = None
    try:
        loop = started(arguments)
        compat.make_room(_SPARE_BYTES)
        compat.collect_every(-1)  # from here on only when it is full
        loop.run()
    except KeyboardInterrupt:
        for guard in loop.agent.guards if loop is not None else ():
            guard.end()
        return STOPPED
    except MemoryError:
        say("the heap is too small; give a smaller --ring or a larger heap (-X heapsize=)")
        return USAGE
    say("no link is left: standard output is closed")
    return NO_LINK


def started(arguments):
    """The loop with its links open; SystemExit where there is none."""
    from . import start

    loop = start.loop_from(arguments)
    forget("buddyd", "start")
    return loop


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
