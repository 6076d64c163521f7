"""Sends messages to a program's standard input: a sendmail-compatible program, or any hook. Never through a shell."""

from __future__ import annotations

import errno
import json
from typing import Any

from buddywatch.config.sections import Hook, Mail
from buddywatch.model.alerts import Message
from buddywatch.notify import process
from buddywatch.notify.base import Deadline, NotifyError, Parcel

# Reasons why a program cannot be started that last until the user changes something. Others (no descriptor, no memory)
# are temporary.
_LASTING = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOEXEC, errno.EISDIR, errno.E2BIG, errno.ELOOP)


def send_mail(mail: Mail, parcel: Parcel, deadline: Deadline) -> None:
    """Give the email to mail.command, which finds the recipients in its arguments or, with -t, in the headers.

    Raises NotifyError. After every exit code except 0 it is tried again: msmtp turns a server's 451 into 69, not 75.
    """
    from buddywatch.notify.mail import compose_mail  # loads the standard library's many modules about mail

    text = (
        compose_mail(mail, parcel.message, parcel.created).as_bytes().replace(b"\r\n", b"\n")
    )  # sendmail takes lines as files do
    _run("mail command", mail.command, text, deadline)


def send_hook(hook: Hook, message: Message, deadline: Deadline) -> None:
    """Give the message's payload as one line of JSON to hook.command. Raises NotifyError."""
    _run(f"hook {hook.name}", hook.command, json_line(message.payload), deadline)


def json_line(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, allow_nan=False).encode() + b"\n"


def _run(what: str, command: tuple[str, ...], given: bytes, deadline: Deadline) -> None:
    try:
        ended = process.run(command, given, deadline)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        lasting = isinstance(error, ValueError) or error.errno in _LASTING
        raise NotifyError(f"{what}: {command[0]} cannot be started: {reason}", lasting) from None
    if ended.exit_code:
        in_time = deadline.reason is None
        raise NotifyError(f"{what}: {command[0]} {deadline.reason or ended.how}{ended.complaint}", of_message=in_time)
