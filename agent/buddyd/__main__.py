"""Start, then the loop until told to stop."""

import gc
import sys

from . import NO_LINK, STOPPED, USAGE, compat, forget, say


def main(arguments):
    """Run the agent; the exit code."""
    compat.collect_every(1024)
    try:
        loop = started(arguments)
        gc.collect()
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
    forget("start")
    return loop


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
