"""The process: Ctrl-C ends it at once and without words until a command runs, and again after it.

Imports take most of a short command's time. A KeyboardInterrupt would be raised anywhere in them, also where Python can
only print it: in the callbacks of the import system's locks (importlib._bootstrap).
"""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130  # as a shell reports SIGINT


def main() -> int:
    """The whole process, and its exit code."""
    try:
        import signal

        # A shell starts a job in the background with SIGINT ignored, and that stays so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end_at_once)
        from buddywatch.cli import main as command_line

        return command_line(around=_Interruptible)
    except KeyboardInterrupt:
        return INTERRUPTED


def _end_at_once(*_: object) -> None:
    os._exit(INTERRUPTED)


class _Interruptible:
    """Within it, Ctrl-C raises KeyboardInterrupt: a command closes what it has opened."""

    def __enter__(self) -> None:
        import signal

        self._before = signal.getsignal(signal.SIGINT)
        if self._before is _end_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGINT, self._before)


if __name__ == "__main__":
    sys.exit(main())
