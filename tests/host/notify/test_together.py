"""One message about many boards: what happened to all, what to do first, and when it was."""

from dataclasses import replace

import pytest
from alert_facts import T0, facts, incident, one_hour_east, transition
from buddywatch.notify.together import compose_together

__all__ = ["one_hour_east"]
DO = "Stop the player."


def together(change, **others):
    """The message about three boards to which the same happened."""
    return compose_together([replace(facts([change], **others), board=f"roof-{number}") for number in (1, 2, 3)])


@pytest.mark.parametrize(
    ("change", "subject", "when", "first"),
    [
        pytest.param(
            transition("rebooted", "noted", severity="warning", incident_id=None),
            "WARN 3 boards rebooted",
            "At 2025-11-22 11:55:03 +0100",
            "`buddywatch history roof-1` shows its memory",
            id="rebooted",
        ),
        pytest.param(
            transition("refused", "firing", "rm"),
            "CRIT 3 boards: rm can no longer start (needs a 64 kB block)",
            "Since 2025-11-22 11:55:03 +0100",
            "`buddywatch status roof-1` says what helps there",
            id="refused",
        ),
        pytest.param(
            transition("player", "firing"),
            "CRIT 3 boards: player",
            "Since 2025-11-22 11:55:03 +0100",
            DO,
            id="own-rule",
        ),
        pytest.param(
            transition("silent", "firing"),
            "CRIT 3 boards went silent at once",
            "Since 2025-11-22 11:55:03 +0100",
            "Look first at what they share, such as a switch or a power supply.",
            id="silent-without-a-common-link",
        ),
    ],
)
def test_it_says_since_when_and_what_to_do_first(change, subject, when, first):
    message = together(change, own_advice={"player": DO})
    assert message.subject.startswith(f"[buddywatch] {subject}")
    text = " ".join(message.body.split())
    assert f"{when} Boards roof-1, roof-2, roof-3 First - " in text
    assert first in text.partition(" First - ")[2]


def test_the_end_says_when_it_was_and_not_how_long_one_of_them_lasted():
    closed = incident("refused", "rm", opened=T0 - 3600, closed=T0)
    message = together(transition("refused", "ok", "rm"), incidents=(closed,))
    assert message.subject == "[buddywatch] OK 3 boards: rm can start again"
    assert "At 2025-11-22 11:55:03 +0100 Boards" in " ".join(message.body.split())
    assert "First" not in message.body


def test_it_is_no_longer_than_a_page_however_many_boards_and_rules_there_are():
    changes = [transition(f"own-{number}", "firing", id=number, incident_id=number) for number in range(1, 21)]
    found = compose_together([replace(facts(changes), board=f"a-long-name-of-board-{number}") for number in range(90)])
    lines = found.body.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 72
    assert "and 30 boards more" in " ".join(found.body.split())
    assert found.body.count("  the same boards") >= 1 and lines[-2].startswith("and more. `buddywatch status`")
