"""The Message-ID of a mail. Apart from mail.py, which loads the standard library's many modules about mail."""

from __future__ import annotations

import os
import re
import socket

from buddywatch.config.sections import Mail


def new_message_id(mail: Mail | None) -> str:
    """A Message-ID (RFC 5322, 3.6.4). Behind its @: the sender's domain, else this host's name as it is.

    The name is not looked up in the DNS: a resolver that hangs must not delay an alert.
    """
    sender = mail.sender if mail is not None else ""
    domain = sender.rpartition("@")[2] if "@" in sender else socket.gethostname()
    domain = re.sub(r"[^A-Za-z0-9.-]", "", domain).strip(".-") or "localhost"
    return f"<{os.urandom(16).hex()}@{domain}>"
