"""Subjects: who and what, the gravest first, the newest state, and how long it lasted."""

import pytest
from alert_facts import (
    AFTER_REBOOT,
    BEFORE,
    SILENCE,
    T0,
    event,
    facts,
    incident,
    one_hour_east,  # noqa: F401 - a fixture
    transition,
)
from buddywatch.model.samples import Event
from buddywatch.notify.message import compose


def subject(*args, **kwargs):
    return compose(facts(*args, **kwargs)).subject


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("refused", "firing", "rm"), "CRIT xp-07: rm can no longer start (needs a 64 kB block)"),
        (("tight", "firing", "rm", "warning"), "WARN xp-07: rm can only just start (needs a 64 kB block)"),
        (("kernel_failure", "firing"), "CRIT xp-07: kernel_failure as the rule says it"),
        (("silent", "firing"), "CRIT xp-07: silent as the rule says it"),
        (("rebooted", "noted", None, "warning"), "WARN xp-07: rebooted as the rule says it"),
        (("lost", "noted", None, "warning"), "WARN xp-07: lost as the rule says it"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_subject_says_who_and_what(change, expected):
    assert subject([transition(*change)]) == f"[buddywatch] {expected}"


@pytest.mark.parametrize(
    ("rule", "need", "expected"),
    [
        ("refused", "rm", "resolved after 2 h 10 min: rm can start again"),
        ("tight", "rm", "resolved after 2 h 10 min: rm has room to spare again"),
        ("kernel_failure", None, "resolved after 2 h 10 min: no more failed allocations"),
        ("silent", None, "resolved after 2 h 10 min: data arrives again"),
    ],
)
def test_a_recovery_says_so_and_how_long_it_lasted(rule, need, expected):
    changes = [transition(rule, "ok", need, time=T0 + 7805)]
    over = (incident(rule, need, closed=T0 + 7805),)
    message = compose(facts(changes, (AFTER_REBOOT,), incidents=over))
    assert message.subject == f"[buddywatch] OK xp-07: {expected}"
    assert "Lasted  2025-11-22 11:55:03 +0100 to 2025-11-22 14:05:08 +0100 (2 h 10 min)" in message.body
    assert "What to do" not in message.body and SILENCE not in message.body
    assert message.payload["severity"] == "ok"


def test_a_recovery_names_what_is_open_still_and_how_to_silence_it():
    changes = [transition("refused", "ok", "rm", time=T0 + 600)]
    incidents = (incident("tight", "rm", "warning", id=2), incident("refused", "rm", closed=T0 + 600))
    message = compose(facts(changes, (BEFORE,), incidents=incidents))
    assert message.subject == "[buddywatch] OK xp-07: resolved after 10 min: rm can start again (1 still open)"
    assert "Still open on this board\n  - WARN tight goes on (since 2025-11-22 11:55:03 +0100)" in message.body
    assert SILENCE in message.body


def test_a_trouble_that_is_over_by_now_is_told_as_over():
    changes = [transition("refused", "firing", "rm"), transition("refused", "ok", "rm", id=2, time=T0 + 90)]
    over = (incident("refused", "rm", closed=T0 + 90),)
    assert subject(changes, incidents=over) == "[buddywatch] OK xp-07: resolved after 1 min 30 s: rm can start again"


def test_the_gravest_comes_first_and_the_others_are_counted():
    changes = [
        transition("lost", "noted", severity="warning", incident_id=1),
        transition("silent", "ok", id=2, incident_id=2),
        transition("refused", "firing", "rm", id=3, incident_id=3),
    ]
    message = compose(facts(changes, incidents=()))
    assert message.subject == "[buddywatch] CRIT xp-07: rm can no longer start (needs a 64 kB block) (+2 more)"
    assert message.body.index("- WARN lost") < message.body.index("- OK data arrives again")


def test_a_reminder_says_for_how_long():
    message = compose(facts([], incidents=(incident("refused", "rm", opened=T0 + 60 - 4 * 3600),)))
    assert message.subject == "[buddywatch] CRIT xp-07: rm can no longer start (needs a 64 kB block), for 4 h now"
    assert "64 kB or larger                   16              21   short by 20 kB" in message.body


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (event(), "the kernel refused 61440 bytes to rm (pid 6821)"),
        (event("page", 4, None), "the kernel refused a block of 16 pages to rm"),
        (event("oom", 0, None), "the kernel is about to kill a process, because rm asked for a block of 1 page"),
        (event("kill", 0, 7), "the kernel killed rm (pid 7), because memory ran out"),
        (event("vma", 0, 7, None), "the kernel has no memory for its own records of a process (pid 7)"),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "",
)
def test_a_kernel_failure_is_told_in_numbers(line, expected):
    text = subject([transition("kernel_failure", "firing")], kernel_lines=(line,))
    assert text == f"[buddywatch] CRIT xp-07: {expected}"


def test_a_kernel_failure_is_that_of_its_own_line_and_plainer_than_its_companions():
    lines = (event("page", 4, None, seq=99), event(number=4096, pid=1, seq=99), event(seq=100))
    assert "61440 bytes to rm (pid 6821)" in subject([transition("kernel_failure", "firing")], kernel_lines=lines)
    assert "4096 bytes to rm (pid 1)" in subject([transition("kernel_failure", "firing", seq=5)], kernel_lines=lines)
