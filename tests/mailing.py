"""One message, and sending it by SMTP to a server of smtp_server.py."""

from __future__ import annotations

from typing import Any

import pytest
from buddywatch.config.sections import Mail
from buddywatch.model.alerts import Message
from buddywatch.notify import smtp
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.mail import compose_mail
from smtp_server import SmtpServer
from waiting import DEADLINE_S

LOGIN = ("alerts", "pass word 61440")
MESSAGE = Message(
    subject="[buddywatch] CRIT xp-07: rm can no longer start (needs a 64 kB block)",
    body="rm can no longer start.\n.\n.a line that starts with a dot\n",
    payload={},
    message_id="<2@buddywatch.xp-07>",
    references=("<0@buddywatch.xp-07>", "<1@buddywatch.xp-07>"),
)
CREATED = 1763808903.0


def mail_to(listener: SmtpServer, **changes: Any) -> Mail:
    """Settings for that server, with its certificate trusted."""
    settings = {
        "to": ("you@example.org", "ops@example.org"),
        "sender": "board@example.org",
        "server": "127.0.0.1",
        "port": listener.port,
        "security": listener.security,
        "ca_file": listener.ca_file if listener.security != "none" else None,
        **changes,
    }
    return Mail(**settings)


def mail_to_one(listener: SmtpServer, **changes: Any) -> Mail:
    return mail_to(listener, **{"to": ("you@b",), "sender": "me@b", **changes})


def send(mail: Mail, seconds: float = DEADLINE_S) -> str:
    """Returns who did not get it, in words."""
    with Deadline(seconds) as deadline:
        return smtp.send(mail, compose_mail(mail, MESSAGE, CREATED), mail.to, deadline).note


def refused(mail: Mail, seconds: float = DEADLINE_S) -> NotifyError:
    """The error of a mail that must not go."""
    with pytest.raises(NotifyError) as caught:
        send(mail, seconds)
    assert "\n" not in str(caught.value)
    return caught.value
