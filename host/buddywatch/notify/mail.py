"""A message as an email (RFC 5322): text and HTML, threaded, marked as written by a program."""

from __future__ import annotations

import html
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy

from buddywatch.config.sections import Mail
from buddywatch.model.alerts import Message
from buddywatch.notify.mail_page import page_of
from buddywatch.pictures.margin_png import HEIGHT, WIDTH, margin_png
from buddywatch.text.escape import escaped


class _Policy(EmailPolicy):
    """Never begins a header with an empty line: many programs would see a blank before the subject, or no id.

    The email package does so with a value that is a little too long for the rest of the first line.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        return super().fold_binary(name, value).replace(f"{name}:\r\n ".encode(), f"{name}: ".encode(), 1)


_POLICY = _Policy(linesep="\r\n")


def compose_mail(mail: Mail, message: Message, created: float) -> EmailMessage:
    """The email for mail.to. created: when the message was made, seconds since 1970; it may be sent much later."""
    email = EmailMessage(policy=_POLICY)
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
    _add_html(email, message)
    if page := message.payload.get("page"):  # a file, as many readers of mail show no inline SVG
        email.add_attachment(page, subtype="html", cte="base64", filename="report.html")
    return email


def _add_html(email: EmailMessage, message: Message) -> None:
    """The same text with a plot of each margin, if there is one, for readers that show HTML."""
    courses = message.payload.get("courses") or {}
    if not courses:
        return
    plots = [
        (need, f"<margin-{number}@buddywatch>", margin_png(points))
        for number, (need, points) in enumerate(courses.items())
        if points
    ]
    images = "".join(
        f"<p>{html.escape(escaped(need))}: pages to spare over the last day (red: refused)<br>"
        f'<img src="cid:{cid[1:-1]}" width="{WIDTH}" height="{HEIGHT}" alt="" style="max-width:100%;height:auto"></p>'
        for need, cid, _ in plots
    )
    email.add_alternative(page_of(message.body, images), subtype="html")
    page = email.get_body(("html",))
    for _, cid, png in plots:
        if isinstance(page, EmailMessage):
            page.add_related(png, "image", "png", cid=cid)
