"""Start, then the loop until told to stop."""

import sys

from . import NO_LINK, STOPPED, USAGE, compat, const, forget, say

# What must be free in one piece after the start: in a heap that has less, what clients leave behind can end the agent
# later. With 1.5 kB a host that came after a person did, where modules come from .mpy files, whose names stay.
_SPARE_BYTES = const(2560)


def main(arguments):
    """Run the agent; the exit code."""
    compat.collect_every(1024)
    try:
        loop = started(arguments)
        compat.make_room(_SPARE_BYTES)
        compat.collect_every(-1)  # from here on only when it is full
        loop.run()
    except KeyboardInterrupt:
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
