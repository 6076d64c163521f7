"""Mail by SMTP: each attempt is a process of its own (smtp_attempt.py), which is killed when its time is over.

Within a process nothing can end a look-up of a name, and the timeout of a socket starts again with every byte. What the
attempt needs (settings, password, mail) goes through its standard input: arguments and environment of a process can
be read by others.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import Mail
from buddywatch.notify import process
from buddywatch.notify.base import Deadline, Delivery, NotifyError

if TYPE_CHECKING:
    from email.message import EmailMessage

_ATTEMPT = ("-P", "-m", "buddywatch.notify.smtp_attempt")  # -P: the working folder may hold modules of any name
_OUTPUT_MAX_BYTES = 1 << 20  # an attempt notes 200 lines at most


def send(mail: Mail, message: EmailMessage, recipients: Sequence[str], deadline: Deadline) -> Delivery:
    """Send the message to mail.server, for these recipients. Returns who did not get it.

    Raises NotifyError: nothing was sent, or it is unknown (the connection broke after the text).
    """
    where = f"mail server {mail.server}:{mail.smtp_port()}"
    given = json.dumps(_job(mail, recipients)).encode() + b"\n" + message.as_bytes()
    try:
        ended = process.run([sys.executable, *_ATTEMPT], given, deadline, _OUTPUT_MAX_BYTES, _environment(mail))
    except OSError as error:
        raise NotifyError(f"{where}: {sys.executable} cannot be started: {error.strerror}") from None
    dialogue, outcome = _reported(ended.output)
    if outcome is None:
        if deadline.reason is not None:
            last = f" (last: {dialogue[-1]})" if dialogue else " (it sent nothing)"
            raise NotifyError(f"{where}: {deadline.reason}{last}", False, dialogue)
        raise NotifyError(f"{where}: the process that sends the mail {ended.how}{ended.complaint}", False, dialogue)
    if "error" in outcome:
        raise NotifyError(f"{outcome['error']}", outcome["permanent"], dialogue, outcome["of_message"])
    later, refused = outcome["later"], outcome["refused"]
    return Delivery(tuple(one for one in recipients if one not in later and one not in refused), later, refused)


def _job(mail: Mail, recipients: Sequence[str]) -> dict[str, Any]:
    """What smtp_attempt reads."""
    try:
        password = mail.password() or ""
    except ConfigError as error:
        raise NotifyError(f"[mail]: {'; '.join(error.lines)}", permanent=True) from None
    return {
        "server": mail.server,
        "port": mail.smtp_port(),
        "security": mail.security,
        "user": mail.user,
        "password": password,
        "allow_clear_login": mail.allow_clear_login,
        "ca_file": None if mail.ca_file is None else str(mail.ca_file),
        "timeout_s": mail.timeout_s,
        "sender": mail.sender,
        "to": list(recipients),
    }


def _environment(mail: Mail) -> dict[str, str]:
    """Our environment without the password, and with the path to our modules."""
    kept = {name: value for name, value in os.environ.items() if name != mail.password_env}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _reported(output: bytes) -> tuple[list[str], dict[str, Any] | None]:
    """The dialogue, and its outcome, None if the attempt was killed before. A line cut by the kill is ignored."""
    dialogue: list[str] = []
    for line in output.splitlines(keepends=True):
        if line.endswith(b"\n"):
            report = json.loads(line)
            if "said" not in report:
                return dialogue, report
            dialogue.append(report["said"])
    return dialogue, None
