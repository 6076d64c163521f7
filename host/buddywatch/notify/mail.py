"""A message as an email (RFC 5322): text only, threaded, marked as written by a program."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from buddywatch.config.load import Mail
from buddywatch.model.alerts import Message


def compose_mail(mail: Mail, message: Message, created: float) -> EmailMessage:
    """The email for mail.to. created: when the message was made, seconds since 1970; it may be sent much later."""
    email = EmailMessage(policy=SMTP)
    email["From"] = mail.sender
    email["To"] = ", ".join(mail.to)
    email["Subject"] = message.subject
    email["Date"] = datetime.fromtimestamp(created).astimezone()
    if message.message_id:
        email["Message-ID"] = message.message_id
    if message.references:
        email["In-Reply-To"] = message.references[-1]
        email["References"] = " ".join(message.references)
    email["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    email["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    email.set_content(message.body)
    return email
