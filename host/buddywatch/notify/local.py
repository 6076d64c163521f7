"""Messages to this machine's log, to another one's, or to a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from buddywatch.model.alerts import CRITICAL, WARNING, Message
from buddywatch.notify.base import NotifyError
from buddywatch.notify.command import json_line
from buddywatch.text.escape import one_line

_DAEMON = 3 << 3  # RFC 5424, 6.2.1: facility "system daemons"
_SEVERITIES = {CRITICAL: 2, WARNING: 4}
_NOTICE = 5
_LINE_LIMIT = 900  # RFC 3164 allows 1024 bytes
_SYSLOG_PORT = 514


def syslog(target: str, message: Message) -> None:
    """One line, as RFC 3164 has it; the log adds the time. target: a socket's path, or HOST or HOST:PORT by UDP."""
    severity = _SEVERITIES.get(str(message.payload.get("severity")), _NOTICE)
    line = f"<{_DAEMON | severity}>buddywatch: {one_line(message.subject.removeprefix('[buddywatch] '), _LINE_LIMIT)}"
    is_path = target.startswith("/")
    host, _, port = target.partition(":") if target.count(":") < 2 else (target, "", "")
    try:
        if is_path:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.connect(target)
                sock.send(line.encode())
        else:
            address = socket.getaddrinfo(host, int(port or _SYSLOG_PORT), type=socket.SOCK_DGRAM)[0]
            with socket.socket(address[0], socket.SOCK_DGRAM) as sock:
                sock.sendto(line.encode(), address[4])
    except (OSError, ValueError) as error:
        raise NotifyError(f"syslog {one_line(target)}: {getattr(error, 'strerror', None) or error}") from None


def append(path: Path, message: Message) -> None:
    """The message as a line of JSON at the end of the file, whole or not at all."""
    line = json_line(message.payload)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            if os.write(descriptor, line) != len(line):  # the disk is full in the middle of the line
                os.ftruncate(descriptor, size)
                raise OSError(28, "No space left on device")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotifyError(f"file {one_line(str(path))}: {error.strerror}") from None
