"""The ids of messages."""

import re

import pytest
from buddywatch.config.sections import Mail
from buddywatch.notify.mail import new_message_id


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
