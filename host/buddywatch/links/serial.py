"""serial:///dev/ttyUSB0?baud=115200: a local serial line, by pyserial (raw, 8N1, no flow control)."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import serial

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.url import LinkUrl

BY_ID = Path("/dev/serial/by-id")
READ_BYTES = 65536


class SerialLink(Link):
    def __init__(self, url: LinkUrl) -> None:
        super().__init__(url.text)
        self._path = url.path
        if not self._path:
            raise LinkError(f"{url.text}: no device; expected serial:///dev/ttyUSB0?baud=115200")
        self._baud = url.number("baud", 115200, 50, 4_000_000)
        # Opening raises both lines; on some boards (ESP32, K210) they are wired to reset and boot selection.
        self._lines = {name: url.switch(name, True) for name in ("dtr", "rts")}
        self._port: serial.Serial | None = None

    def start(self) -> None:
        self._port = _open(self._path, self._baud, self._lines)

    def fileno(self) -> int:
        assert self._port is not None
        return int(self._port.fileno())

    def read(self) -> bytes:
        assert self._port is not None
        try:
            # Chunks: pyserial's read_until() costs 14 us a byte, measured on a saturated 115200 line.
            return bytes(self._port.read(min(max(self._port.in_waiting, 1), READ_BYTES)))
        except OSError as error:  # SerialException is one
            raise LinkDown(f"the device is gone ({_reason(error)}); plug it in again") from error

    def write(self, data: bytes) -> int:
        assert self._port is not None
        try:
            return int(self._port.write(data) or 0)
        except serial.SerialTimeoutException:
            return 0
        except OSError as error:
            raise LinkDown(f"the device is gone ({_reason(error)}); plug it in again") from error

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None


def _open(path: str, baud: int, lines: Mapping[str, bool]) -> serial.Serial:
    port = serial.Serial()
    port.port, port.baudrate = path, baud
    port.timeout = port.write_timeout = 0
    port.exclusive = True
    port.dtr, port.rts = lines["dtr"], lines["rts"]
    try:
        port.open()
    except (OSError, ValueError) as error:
        raise LinkError(_why(path, baud, error)) from error
    return port


def _why(path: str, baud: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"no such device; {_present()}"
    if number == errno.EACCES:
        return "permission denied; add your user to the group of the device (dialout on Debian) and log in again"
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return "in use by another program; end it (fuser shows which)"
    if number in (errno.ENOTTY, errno.EINVAL) or isinstance(error, ValueError) or "configure port" in str(error):
        return f"not a serial line, or one that cannot do {baud} baud"
    return _reason(error)


def _present() -> str:
    try:
        names = sorted(entry.name for entry in BY_ID.iterdir())
    except OSError:
        names = []
    if not names:
        return "no USB serial adapter is plugged in"
    return "present: " + ", ".join(f"{BY_ID}/{name}" for name in names)


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else " ".join(str(error).split())
