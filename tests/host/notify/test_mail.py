"""The headers of mails."""

import re
from email import message_from_bytes
from email.policy import default

import pytest
from buddywatch.config.sections import Mail
from buddywatch.model.alerts import Message
from buddywatch.notify.mail import compose_mail
from buddywatch.notify.message_id import new_message_id


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        pytest.param("watch@example.org", r"example\.org", id="address"),
        pytest.param("root", r"[A-Za-z0-9.-]+", id="local-user"),
        pytest.param("a@ex\r\nample", "example", id="nothing-but-a-domain"),
        pytest.param("a@\u00fc", "localhost", id="nothing-left"),
    ],
)
def test_domain_needs_no_name_server(sender, domain):
    mail = Mail(to=("you@b",), sender=sender, server="127.0.0.1")
    assert re.fullmatch(f"<[0-9a-f]{{32}}@{domain}>", new_message_id(mail))


def test_message_ids_without_mail_are_of_this_host_and_differ():
    one, other = new_message_id(None), new_message_id(None)
    assert re.fullmatch(r"<[0-9a-f]{32}@[A-Za-z0-9.-]+>", one) and one != other


@pytest.mark.parametrize("length", [69, 70, 77, 78, 79, 150])
def test_no_header_begins_with_an_empty_line(length):
    domain = "monitoring.of-the-boards.example.org"
    mail = Mail(to=("you@b",), sender=f"watch@{domain}", server="127.0.0.1")
    subject = ("[buddywatch] CRIT roof: rm can no longer start " + "x1 " * 40)[: length - 1] + "."
    message = Message(subject, "body", {}, f"<{'a' * 32}@{domain}>", (f"<{'b' * 32}@{domain}>",))
    raw = compose_mail(mail, message, 0.0).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(line.partition(b":")[2].strip() for line in head if not line.startswith(b" "))
    assert message_from_bytes(raw, policy=default)["Subject"] == subject
