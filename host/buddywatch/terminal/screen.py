"""Draws whole screens on a terminal, by the lines that changed, and restores the terminal afterwards.

It uses plain ANSI sequences (ECMA-48, and xterm's private modes 25, 1007 and 1049) and no terminfo: on many servers the
terminfo database lacks newer terminals, and then curses does not start. Mode 1007 makes arrow keys of a mouse's wheel
and leaves its buttons to the terminal, so that text can still be selected.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

from buddywatch.terminal.style import Style

_ENTER = b"\x1b[?1049h\x1b[?1007h\x1b[?25l\x1b[2J"  # the alternate screen, the wheel, no cursor, cleared
_LEAVE = b"\x1b[0m\x1b[?25h\x1b[?1007l\x1b[?1049l"
_LEAVE_S = 0.5  # how long to wait for a terminal that takes nothing (Ctrl-S) before it is left as it is
_NO_COLOURS = ("vt", "dumb")  # prefixes of $TERM without colours; newer terminals have 256 or ignore the sequences
_DEFAULT_SIZE = os.terminal_size((80, 24))

_Handler = Callable[[int, FrameType | None], Any] | int | None


def usable(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether a live view can be shown on stream: a terminal that moves its cursor."""
    return stream.isatty() and env.get("TERM", "") not in ("", "dumb")


def style_of(stream: TextIO, env: Mapping[str, str]) -> Style:
    """What to draw with: no colour where $NO_COLOR is set (no-color.org), ASCII where the encoding is not UTF-8."""
    colour = not env.get("NO_COLOR") and not env.get("TERM", "").startswith(_NO_COLOURS)
    colours = 256 if "256color" in env.get("TERM", "") or env.get("COLORTERM") else 16
    return Style(colour, is_unicode(stream), colours)


def is_unicode(stream: TextIO) -> bool:
    """Whether the stream's encoding is UTF-8, and it is no terminal of somebody who asked for the C locale.

    Python takes UTF-8 in the C locale as well (PEP 538 and 540), whatever the terminal can show.
    """
    is_utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
    return is_utf8 and not (stream.isatty() and _is_plain(first_environment()))


def first_environment() -> dict[str, str]:
    """What this process was started with: Python changes LC_CTYPE in os.environ (PEP 538)."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environ)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in (entry.partition(b"=") for entry in entries)}


def _is_plain(env: Mapping[str, str]) -> bool:
    if env.get("PYTHONUTF8") or env.get("PYTHONIOENCODING"):
        return False  # somebody has decided about the encoding itself
    return (env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG")) in ("C", "POSIX")


class Screen:
    """`with Screen(stream) as screen: screen.draw(lines)`. To be used by the main thread, for its signals.

    Drawing never waits: while the terminal is stopped (Ctrl-S), draw() skips. resized is set by SIGWINCH and cleared by
    draw(), so that a loop can redraw at once.
    """

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self.resized = False
        self._stream = stream
        self._fd = stream.fileno()
        self._encoding = stream.encoding or "ascii"
        self._shown: list[bytes] = []
        self._size: os.terminal_size | None = None  # None: the content of the screen is not known
        self._pending = b""
        self._active = False
        self._modes: list[Any] | None = None
        self._handlers: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        self._stream.flush()
        self._fd = _opened_anew(self._stream.fileno())
        self._handlers = {
            signal.SIGWINCH: signal.signal(signal.SIGWINCH, self._on_resize),
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, self._on_stop),
        }
        atexit.register(self._leave)
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        atexit.unregister(self._leave)
        for number, handler in self._handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if self._fd != self._stream.fileno():
            os.close(self._fd)

    def fileno(self) -> int:
        """The terminal's, to wait for keys."""
        return self._fd

    def typed(self) -> bytes | None:
        """What was typed, b"" if nothing was; None: the terminal hung up. To be called when there is something."""
        try:
            # A process in the background that reads is stopped by the kernel (SIGTTIN).
            if os.tcgetpgrp(self._fd) != os.getpgrp():
                return b""
            return os.read(self._fd, 1024) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def forget(self) -> None:
        """Draw everything anew: other output may be on the screen."""
        self._size = None

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The terminal as it was before, for another program; everything is drawn anew afterwards."""
        self._leave()
        try:
            yield
        finally:
            self._take()
            self.resized = True

    def size(self) -> tuple[int, int]:
        """(width, height) in characters."""
        size = self._terminal_size()
        return size.columns, size.lines

    def draw(self, lines: list[str], made_for: tuple[int, int] | None = None) -> bool:
        """Show lines, at most as many as fit; False if the terminal does not accept output now.

        made_for: the size() for which they were made. It may have changed since then, which SIGWINCH tells later.
        """
        self.resized = False
        if not self._active or not self._flush():
            return False
        size = self._terminal_size() if made_for is None else os.terminal_size(made_for)
        encoded = [line.encode(self._encoding, "replace") for line in lines[: size.lines]]
        out = []
        if size != self._size:
            self._size, self._shown = size, []
            out.append(b"\x1b[2J")
        for row, line in enumerate(encoded):
            if row >= len(self._shown) or line != self._shown[row]:
                # Cleared first: after a full line some terminals would clear its last character.
                out.append(b"\x1b[%d;1H\x1b[0m\x1b[K%b" % (row + 1, line))
        if len(encoded) < len(self._shown):
            out.append(b"\x1b[%d;1H\x1b[0m\x1b[J" % (len(encoded) + 1))
        self._shown = encoded
        self._pending = b"".join(out)
        return self._flush()

    def _flush(self) -> bool:
        """Write pending output as far as the terminal accepts it. True if nothing is left."""
        try:
            while self._pending and select.select([], [self._fd], [], 0)[1]:
                self._pending = self._pending[os.write(self._fd, self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # hung up: nobody sees the screen, but collecting goes on
            self._pending = b""
        return not self._pending

    def _take(self) -> None:
        """Switch to the alternate screen, and take each key at once, without echo."""
        try:
            modes = termios.tcgetattr(self._fd)
            self._modes = termios.tcgetattr(self._fd)
            modes[3] &= ~(termios.ECHO | termios.ICANON)  # each key at once
            termios.tcsetattr(self._fd, termios.TCSANOW, modes)
        except termios.error:
            self._modes = None
        self._size, self._active = None, True
        self._pending = _ENTER
        self._flush()

    def _leave(self) -> None:
        """Restore the terminal."""
        if not self._active:
            return
        self._active = False
        # A half-written drawing may end inside a sequence; CAN cancels it (ECMA-48, 8.3.7).
        self._pending = (b"\x18" if self._pending else b"") + _LEAVE
        deadline = time.monotonic() + _LEAVE_S
        while not self._flush() and (left_s := deadline - time.monotonic()) > 0:
            select.select([], [self._fd], [], left_s)
        if self._modes is not None:
            with suppress(termios.error):
                termios.tcflush(
                    self._fd, termios.TCIFLUSH
                )  # drop what was typed meanwhile: it was not meant for the shell
                termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)

    def _terminal_size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._fd)
        except OSError:
            return _DEFAULT_SIZE
        return size if size.columns > 0 and size.lines > 0 else _DEFAULT_SIZE  # a serial console may say 0 x 0

    def _on_resize(self, number: int, frame: FrameType | None) -> None:
        self.resized = True

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: restore the terminal, stop the process as usual, and draw again after SIGCONT."""
        self._leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        # Here after SIGCONT.
        signal.signal(signal.SIGTSTP, self._on_stop)
        self._take()
        self.resized = True


class Restorer:
    """Gives a terminal back for another process that draws on it and may be killed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        try:
            self._modes = termios.tcgetattr(fd)
        except termios.error:
            self._modes = []

    def restore(self) -> None:
        with suppress(OSError, termios.error):
            os.write(self._fd, _LEAVE)
            if self._modes:
                termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)


def _opened_anew(fd: int) -> int:
    """The terminal with flags of its own: O_NONBLOCK on fd itself would be set for the shell behind us as well."""
    try:
        return os.open(os.ttyname(fd), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return fd  # another user's terminal, as after su: there a write may block
