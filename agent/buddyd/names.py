"""The names of this run of the agent: the board's, and a boot id. Needed at the start only, and unloaded afterwards."""

import binascii

from . import compat, const
from .sources.kernel_messages import printable
from .sources.procfile import ProcFile

_NAME_CHARS = const(64)
_NAME = const("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def new_boot_id(proc):
    """8 hex digits for this run of the agent, as str.

    Random, and mixed with values that differ between boots: a board without an entropy source may give the same random
    bytes after every power-on.
    """
    mixed = binascii.crc32(compat.random_bytes(8), compat.ticks_us() & 0xFFFF)
    for name in ("/uptime", "/stat", "/interrupts", "/self/stat"):
        try:
            with open(proc + name, "rb") as file:
                mixed = binascii.crc32(file.read(512), mixed)
        except OSError:
            continue
    return "%08x" % mixed


def board_name(proc, given):
    """The board's name: as given, else the host name, else board. At most 64 characters of A-Z a-z 0-9 . _ -"""
    if not given:
        file = ProcFile(proc, "/sys/kernel/hostname")
        try:
            given = printable(file.first_line())
        except (OSError, ValueError):
            given = ""
        file.close()
        given = "" if given == "(none)" else given  # UTS_NODENAME: no host name was set
    # By bytes: MicroPython does not check that an argument is UTF-8, and raises when its characters are read.
    raw = given.encode("utf-8", "surrogateescape")[:_NAME_CHARS]
    return "".join([chr(byte) if chr(byte) in _NAME else "-" for byte in raw]) or "board"
