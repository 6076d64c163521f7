"""Subjects: who and what, the gravest first, the newest state, and how long it lasted."""

from dataclasses import replace

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
from buddywatch.model.alerts import Repeat
from buddywatch.model.forecasts import Forecast
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
        (("rebooted", "noted", None, "warning"), "WARN xp-07: the board rebooted"),
        (("lost", "noted", None, "warning"), "WARN xp-07: lost as the rule says it"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_subject_says_who_and_what(change, expected):
    assert subject([transition(*change)]) == f"[buddywatch] {expected}"


def test_warnings_before_a_refused_need_are_not_open_beside_it():
    others = (incident("refused", "rm", id=2), incident("tight", "rm", "warning", id=3),
              incident("refused_within", "rm", "warning", id=4), incident("tight", "sh", "warning", id=5))  # fmt: skip
    text = compose(facts([transition("silent", "firing")], incidents=others)).body
    lines = text.partition("Still open on this board\n")[2].partition("\n\n")[0].splitlines()
    assert [line[:15] for line in lines] == ["  - CRIT refuse", "  - WARN tight "]
    over = [transition("refused", "ok", "rm", time=T0 + 600)]
    still = compose(facts(over, (BEFORE,), incidents=others[2:])).subject
    assert still.endswith("(2 still open)")


def test_what_may_happen_at_any_time_has_no_rate():
    forecasts = {"rm": Forecast("falling", 30.0, 0.0, 180.0)}
    told = facts([transition("refused_within", "firing", "rm", "warning")], (), forecasts=forecasts)
    assert compose(told).subject == "[buddywatch] WARN xp-07: rm will soon fail to start: at any time (0 to 3 min)"


@pytest.mark.parametrize(
    ("recent", "programs", "expected"),
    [
        ((4,), ("rm",), "rm can start 3 times more, then no more: in about 6 h (3 to 11 h) at this rate"),
        ((2,), (), "rm can be allocated once more, then no more: in about 6 h (3 to 11 h) at this rate"),
        ((60,), ("rm",), "rm will soon fail to start: in about 6 h (3 to 11 h) at this rate"),
        ((), ("rm",), "rm will soon fail to start: in about 6 h (3 to 11 h) at this rate"),
    ],
    ids=["few", "last", "many", "unknown"],
)
def test_a_forecast_says_how_often_it_still_goes(recent, programs, expected):
    """recent: the blocks of 64 kB in the newest snapshot; one of them stays as a part of the reserve."""
    states = tuple((200, 60, 30, 20, blocks, 0, 0, 0, 0, 0, 0) for blocks in recent)
    forecasts = {"rm": Forecast("falling", 6 * 3600.0, 3 * 3600.0, 11 * 3600.0)}
    changes = [transition("refused_within", "firing", "rm", "warning")]
    told = facts(changes, states, programs=programs, forecasts=forecasts)
    assert compose(told).subject == f"[buddywatch] WARN xp-07: {expected}"


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
    assert "Lasted  2025-11-22 11:55:03 +0100 to 14:05:08 (2 h 10 min)" in message.body
    assert "What to do" not in message.body and SILENCE not in message.body
    assert message.payload["severity"] == "ok"


def test_a_recovery_names_what_is_open_still_and_how_to_silence_it():
    changes = [transition("refused", "ok", "rm", time=T0 + 600)]
    incidents = (incident("tight", "rm", "warning", id=2), incident("refused", "rm", closed=T0 + 600))
    message = compose(facts(changes, (BEFORE,), incidents=incidents))
    assert message.subject == "[buddywatch] OK xp-07: resolved after 10 min: rm can start again (1 still open)"
    assert "Still open on this board\n  - WARN tight goes on (since 2025-11-22 11:55:03 +0100)" in message.body
    assert SILENCE in message.body


@pytest.mark.parametrize(
    ("rule", "need", "severity", "expected"),
    [
        ("refused", "rm", "critical", "CRIT xp-07: rm could not start (needs a 64 kB block); over after 1 min 30 s"),
        ("tight", "rm", "warning", "WARN xp-07: rm could only just start (needs a 64 kB block); over after 1 min 30 s"),
        ("kernel_failure", None, "critical", "CRIT xp-07: kernel_failure goes on; over after 1 min 30 s"),
        ("silent", None, "critical", "CRIT xp-07: silent goes on; over after 1 min 30 s"),
    ],
)
def test_a_trouble_that_came_and_went_is_as_grave_as_it_was_and_over(rule, need, severity, expected):
    changes = [transition(rule, "firing", need, severity), transition(rule, "ok", need, severity, id=2, time=T0 + 90)]
    over = (incident(rule, need, severity, closed=T0 + 90),)
    message = compose(facts(changes, (AFTER_REBOOT,), incidents=over))
    assert message.subject == f"[buddywatch] {expected}"
    assert "Lasted  2025-11-22 11:55:03 +0100 to 11:56:33 (1 min 30 s)" in message.body
    [claim] = message.payload["claims"]
    assert (message.payload["severity"], claim["severity"], claim["until"]) == (severity, severity, T0 + 90)


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
        (event("kill", 0, 7), "the kernel killed rm (pid 7) to free memory"),
        (event("more", 63, 9), "the kernel refused 63 more requests, the newest of rm (pid 9)"),
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


def news(number, kind, comm, text, more=""):
    """News about an open alert: the transition, and the kernel's line."""
    line = event(kind, 61440, number, comm, text, seq=100 + number)
    change = transition(
        "kernel_failure",
        "noted",
        from_="firing",
        id=number,
        seq=line.seq,
        text=f"kernel: {text}{more}",
        time=T0 + number,
    )
    return change, line


def test_later_failures_are_told_victims_first():
    first = transition("kernel_failure", "firing", text="kernel: dmesg invoked oom-killer: order=3")
    changes, lines = zip(
        news(1, "alloc", "ls", "Allocation of length 61440 from process 1 (ls) failed"),
        news(2, "kill", "telnetd", "Killed process 2 (telnetd)"),
        news(3, "kill", "buddyd", "Killed process 3 (buddyd)"),
        news(4, "kill", "start-60k", "Killed process 4 (start-60k)", ", 10 times since this alert began"),
        strict=True,
    )
    oom = event("oom", 3, None, "dmesg", "dmesg invoked oom-killer: order=3")
    message = compose(facts([first, *changes], kernel_lines=(oom, *lines)))
    assert message.subject.endswith(
        "CRIT xp-07: the kernel killed telnetd (pid 2) to free memory: nobody can log in without it (+4 more)"
    )
    assert [claim["sentence"] for claim in message.payload["claims"]] == [
        "the kernel killed telnetd (pid 2) to free memory: nobody can log in without it",
        "the kernel killed buddyd (pid 3) to free memory: the agent, without which this board is not watched",
        "the kernel killed start-60k (pid 4) to free memory, 10 times since this alert began",
        "the kernel is about to kill a process, because dmesg asked for a block of 8 pages",
        "the kernel refused 61440 bytes to ls (pid 1)",
    ]


def test_the_line_with_bytes_and_process_is_told_of_two_about_one_request():
    """As 2.6.30 printed it: the allocator's line, and that of mmap."""
    lines = (
        event("page", 4, None, "rm", "rm: page allocation failure. order:4, mode:0xd0"),
        event("alloc", 61440, 166, "rm", "Allocation of length 61440 from process 166 (rm) failed", seq=101),
        event("alloc", 99, 7, "ls", "Allocation of length 99 from process 7 (ls) failed", seq=102),
    )
    first = transition("kernel_failure", "firing", text=f"kernel: {lines[0].text}")
    more = transition("kernel_failure", "noted", id=2, text=f"kernel: {lines[0].text}, 10 times since this alert began")
    assert subject([first], kernel_lines=lines).endswith("CRIT xp-07: the kernel refused 61440 bytes to rm (pid 166)")
    told = subject([more], kernel_lines=lines)
    assert told.endswith("the kernel refused 61440 bytes to rm (pid 166), 10 times since this alert began")
    long_ago = replace(lines[1], time=T0 - 60)
    assert "refused a block of 16 pages to rm" in subject([first], kernel_lines=(lines[0], long_ago))


def test_of_one_program_in_a_message_the_newest_count_is_told():
    """All within a poll of a true 2.6.30: `sleep` was the first victim of its name, and the tenth."""
    changes, lines = zip(
        news(1, "kill", "sleep", "Killed process 54 (sleep)"),
        news(2, "kill", "sh", "Killed process 23 (sh)"),
        news(3, "kill", "sleep", "Killed process 43 (sleep)", ", 10 times since this alert began"),
        strict=True,
    )
    assert [claim["sentence"] for claim in compose(facts(changes, kernel_lines=lines)).payload["claims"]] == [
        "the kernel killed sleep (pid 3) to free memory, 10 times since this alert began",
        "the kernel killed sh (pid 2) to free memory",
    ]


def test_a_victim_is_told_even_when_the_alert_is_over():
    change, line = news(2, "kill", "httpd", "Killed process 2 (httpd)")
    over = transition("kernel_failure", "ok", time=T0 + 7200)
    message = compose(facts([change, over], (AFTER_REBOOT,), kernel_lines=(line,)))
    assert "the kernel killed httpd (pid 2) to free memory" in message.subject
    assert [claim["severity"] for claim in message.payload["claims"]] == ["critical", "ok"]


def test_news_whose_line_is_lost_is_told_in_the_kernels_words():
    change, _ = news(2, "kill", "httpd", "Killed process 2 (httpd)")
    assert subject([change], kernel_lines=(event(),)).endswith("CRIT xp-07: kernel: Killed process 2 (httpd)")


def test_one_sentence_is_said_once():
    change, line = news(2, "kill", "httpd", "Killed process 2 (httpd)")
    chosen = transition(
        "kernel_failure", "firing", text="kernel: Out of memory: kill process 2 (httpd) score 1 or a child"
    )
    first = event("kill", 0, 2, "httpd", "Out of memory: kill process 2 (httpd) score 1 or a child")
    assert len(compose(facts([chosen, change], kernel_lines=(first, line))).payload["claims"]) == 1


def test_the_last_end_of_what_came_and_went_says_how_often_it_did():
    changes = [transition("refused", "ok", "rm", time=T0 + 7805)]
    over = (incident("refused", "rm", closed=T0 + 7805),)
    seen = replace(facts(changes, (AFTER_REBOOT,), incidents=over), repeats=(Repeat("refused", "rm", 5, T0 - 3600),))
    assert compose(seen).subject == (
        "[buddywatch] OK xp-07: resolved, after it came and went 5 times in 3 h 10 min: rm can start again"
    )
    other = replace(seen, repeats=(Repeat("refused", "sh", 5, T0 - 3600),))
    assert "resolved after 2 h 10 min: rm can start again" in compose(other).subject
