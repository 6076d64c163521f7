"""A serial line in raw mode."""

import termios

from .. import compat

# termios(3) numbers that are the same on every Linux architecture that uses asm-generic/termbits.h (m68k, x86, ARM,
# RISC-V, xtensa). MicroPython's termios module lacks most names.
_CS8_CREAD_CLOCAL = 0o60 | 0o200 | 0o4000
_CRTSCTS = -(1 << 31)  # bit 31; written so that it fits a C long on 32 bit, too
_SPEEDS = {300: 7, 1200: 9, 2400: 11, 4800: 12, 19200: 14, 38400: 15}  # rates without a name there
_VTIME, _VMIN = 5, 6


def set_raw(stream, baud, rtscts):
    """Raw mode, 8N1, no modem lines, the given rate, flow control by RTS and CTS or none; reads never wait."""
    speed = getattr(termios, "B%d" % baud, None)
    if speed is None:  # since glibc 2.42 a rate is its own number
        speed = baud if termios.B9600 == 9600 else _SPEEDS[baud]
    attributes = termios.tcgetattr(stream.fileno())
    attributes[0] = attributes[1] = attributes[3] = 0  # input, output, local modes
    attributes[2] = _CS8_CREAD_CLOCAL + (_CRTSCTS if rtscts else 0)  # tcsetattr adds the rate
    attributes[4] = attributes[5] = speed
    attributes[6][_VTIME] = attributes[6][_VMIN] = 0
    termios.tcsetattr(stream.fileno(), termios.TCSANOW, attributes)


def open_serial(target):
    """A raw tty. target: (path, baud, rtscts)."""
    stream = compat.open_tty(target[0])
    try:
        set_raw(stream, target[1], target[2])
    except Exception as error:  # CPython raises termios.error, which is not an OSError
        stream.close()
        raise OSError(error.args[0], "")
    return stream
