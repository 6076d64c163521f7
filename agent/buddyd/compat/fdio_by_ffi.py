"""fdio's functions through ffi, for MicroPythons without fdio, such as Debian's. See agent/micropython/modules/fdio.

A board's interpreter has fdio, and often no ffi, because ffi needs dlopen.
"""

import os

import ffi

from .. import const

_EAGAIN = const(11)
_FLAGS = const(0o2004400)  # O_CLOEXEC, O_NONBLOCK, O_NOCTTY, on all of Debian's processors but MIPS

_libc = ffi.open(None)
_open, _read = _libc.func("i", "open", "sii"), _libc.func("l", "read", "ipL")


def open(path, access):
    descriptor = _open(path, access | _FLAGS, 0)
    if descriptor < 0:
        raise OSError(os.errno())
    return descriptor


def read(descriptor, buffer):
    count = _read(descriptor, buffer, len(buffer))
    if count >= 0:
        return count
    if os.errno() == _EAGAIN:
        return None
    raise OSError(os.errno())
