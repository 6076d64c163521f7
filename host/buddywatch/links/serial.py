"""serial:///dev/ttyUSB0?baud=115200: a serial port, by pyserial. An adapter may be unplugged at any time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import termios
from typing import TYPE_CHECKING

from buddywatch.links.base import NEVER, LinkDown, LinkError, why

if TYPE_CHECKING:
    import serial

BAUD = 115200
BY_ID = "/dev/serial/by-id"  # names that do not depend on the order in which adapters were plugged in
READ_BYTES = 4096  # N_TTY_BUF_SIZE


class SerialLink:
    """dtr, rts: whether these lines are asserted; some boards have them wired to reset and boot mode. rtscts: flow
    control by RTS and CTS.

    shared: a shell reads what is sent, so the collector sends nothing; only the user may, with --shell.
    """

    flows_unasked = True
    wants_write = False
    wake_s = NEVER

    def __init__(
        self,
        url: str,
        path: str,
        baud: int = BAUD,
        dtr: bool = True,
        rts: bool = True,
        rtscts: bool = False,
        shared: bool = False,
    ) -> None:
        self.url = url
        self.takes_requests = self.has_human_side = not shared
        self._path = path
        self._baud = baud
        self._dtr = dtr
        self._rts = rts
        self._rtscts = rtscts
        self._port: serial.Serial | None = None

    @property
    def up(self) -> bool:
        return self._port is not None

    def fileno(self) -> int | None:
        return None if self._port is None else self._port.fileno()

    def start(self) -> None:
        import serial

        port = serial.Serial(timeout=0, exclusive=True, rtscts=self._rtscts)
        port.port = self._path
        port.dtr, port.rts = self._dtr, self._rts
        try:
            port.baudrate = self._baud
            port.open()
            # pyserial's lock (flock) stops only programs that check it; TIOCEXCL stops all but root's.
            with contextlib.suppress(OSError):
                fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        except (OSError, ValueError, termios.error) as error:
            port.close()
            raise LinkError(f"{self.url}: {_why_not_opened(error, self._path, self._baud)}") from None
        self._port = port

    def read(self) -> bytes:
        if self._port is None:
            return b""
        descriptor = self._port.fileno()
        try:
            # VMIN and VTIME are 0: read() returns nothing both without data and when the line is gone.
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            if not poller.poll(0):
                return b""
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(why(error)) from None
        if not data:
            raise self._gone("unplugged, or another program reads from it too")
        return data

    def write(self, data: bytes) -> int:
        if self._port is None:
            return 0
        try:
            return os.write(self._port.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._gone(why(error)) from None

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            _drop_output(port.fileno())
            with contextlib.suppress(OSError, termios.error):
                port.close()

    def _gone(self, reason: str) -> LinkDown:
        self.close()
        return LinkDown(f"{self._path}: {reason}")


def _drop_output(descriptor: int) -> None:
    """Drop what was not sent yet, so that close() does not wait for it.

    close() waits up to 30 s (closing_wait) for output that the other side does not take: tty_port_close_start() in
    drivers/tty/tty_port.c. Flushing empties the driver's buffer but not the UART's FIFO. uart_wait_until_sent() in
    serial_core.c waits for the FIFO without a limit while flow control is on, so it is turned off (Linux 6.1).
    """
    with contextlib.suppress(OSError, termios.error):
        settings = termios.tcgetattr(descriptor)
        settings[2] &= ~termios.CRTSCTS
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    with contextlib.suppress(OSError, termios.error):
        termios.tcflush(descriptor, termios.TCOFLUSH)


def _why_not_opened(error: Exception, path: str, baud: int) -> str:
    """pyserial puts a port's error into a SerialException with its errno, and termios.error into one with only text."""
    number = _number(error)
    if number == errno.ENOENT:
        return f"no such device; check the cable and the adapter; {_present()}"
    if number in (errno.EACCES, errno.EPERM):
        return f"permission denied; join the group of {path}: sudo usermod -aG dialout $USER, then log in again"
    if number in (errno.EBUSY, errno.EAGAIN):
        return f"in use by another program; `fuser {path}` shows which"
    if isinstance(error, ValueError):
        return f"cannot run at {baud} baud"
    if number in (errno.EIO, errno.ENXIO, errno.ENODEV):
        return "there is no port behind this device; plug the adapter in again, or name another port"
    if number in (errno.ENOTTY, errno.EISDIR):
        return "not a serial port"
    return str(error) if number is None else why(OSError(number, os.strerror(number)))


def _number(error: Exception) -> int | None:
    """The errno of an error, or of the termios.error behind it, which has it only as its first argument."""
    for found in (error, error.__context__):
        number = found.args[0] if isinstance(found, OSError | termios.error) and found.args else None
        if isinstance(number, int):
            return number
    return None


def _present() -> str:
    try:
        names = sorted(os.listdir(BY_ID))
    except OSError:
        names = []
    if not names:
        return f"no adapter is listed in {BY_ID}"
    return "present: " + ", ".join(f"{BY_ID}/{name}" for name in names)
