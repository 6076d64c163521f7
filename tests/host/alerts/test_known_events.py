"""An event counts once, from whatever source and however often it comes."""

from dataclasses import replace

import pytest
from boards import KERNEL_LINE, START, boot, kernel_event
from buddywatch.alerts import known_events
from buddywatch.alerts.known_events import KnownEvents
from buddywatch.model.memory_map import MAP


@pytest.fixture
def known():
    events = KnownEvents()
    events.begin(boot())
    assert not events.is_copy(kernel_event(3, 15000))
    return events


def test_event_told_again_is_a_copy(known):
    assert known.is_copy(kernel_event(3, 15000))


def test_event_read_again_by_a_restarted_agent_is_a_copy(known):
    known.begin(boot("0000b002", "agent-restart"))
    assert known.is_copy(kernel_event(1, 15000, "0000b002"))


@pytest.mark.parametrize(
    ("cause", "kboot", "new"),
    [
        pytest.param("reboot", "ffff", True, id="another-kernel"),
        pytest.param("reboot", "-", True, id="kernel-boot-unknown"),
        pytest.param("reboot", "3d7a", True, id="one-id-for-two-boots-of-the-kernel"),
        pytest.param("first", "ffff", True, id="another-kernel-by-its-id"),
        pytest.param("first", "3d7a", False, id="same-kernel-by-its-id"),
        pytest.param("agent-restart", "-", False, id="same-kernel-as-the-tracker-says"),
    ],
)
def test_same_line_at_the_same_uptime_is_new_on_another_kernel(known, cause, kboot, new):
    known.begin(boot("0000b002", cause, kboot=kboot))
    assert known.is_copy(kernel_event(1, 15000, "0000b002")) is not new


def test_two_boots_that_do_not_know_their_kernel_are_not_of_the_same(known):
    for name, cause in (("0000b002", "reboot"), ("0000b003", "reboot")):
        known.begin(boot(name, cause, kboot="-"))
        assert not known.is_copy(kernel_event(1, 15000, name))


@pytest.mark.parametrize(
    ("uptime_ms", "after_s", "text", "new"),
    [
        pytest.param(15000, 0, KERNEL_LINE, False, id="same-uptime"),
        pytest.param(15010, 0, KERNEL_LINE, True, id="another-uptime"),
        pytest.param(None, 30, KERNEL_LINE, False, id="no-uptime-and-soon"),
        pytest.param(None, 60, KERNEL_LINE, False, id="no-uptime-and-just-soon-enough"),
        pytest.param(None, 61, KERNEL_LINE, True, id="no-uptime-and-later"),
        pytest.param(None, 0, "rm invoked oom-killer", True, id="another-text"),
    ],
)
def test_line_on_the_console_that_the_agent_told_too_is_a_copy(known, uptime_ms, after_s, text, new):
    event = replace(kernel_event(None, uptime_ms, text=text), time=START + 15 + after_s)
    assert known.is_copy(event) is not new


def test_what_the_store_has_is_known():
    events = KnownEvents([boot()], [kernel_event(3, 15000)])
    assert events.is_copy(kernel_event(None, 15000))
    events.begin(boot("0000b002", "agent-restart"))
    assert events.is_copy(kernel_event(1, 15000, "0000b002"))


def test_event_of_a_boot_that_never_began_is_no_copy(known):
    assert not known.is_copy(kernel_event(3, 15000, "0000b009"))


def test_events_are_forgotten_oldest_first_beyond_the_bound(known, monkeypatch):
    monkeypatch.setattr(known_events, "EVENTS_MAX", 3)
    for number in range(4):
        assert not known.is_copy(kernel_event(None, 20000, text=f"line {number}"))
    assert known.is_copy(kernel_event(None, 20000, text="line 3"))
    assert not known.is_copy(kernel_event(3, 15000))


def test_equal_lines_of_one_poll_are_not_copies_of_each_other():
    """Without time stamps the agent gives all lines of a poll its own uptime: 9 refusals of one program in a loop."""
    known = KnownEvents()
    known.begin(boot())
    assert [known.is_copy(kernel_event(seq, 5000)) for seq in range(1, 10)] == [False] * 9
    assert known.is_copy(kernel_event(3, 5000, "0000b002")) is False  # of a boot that nobody knows


def test_equal_lines_of_the_agent_are_matched_one_by_one():
    """On the console an equal line may be an old one that somebody prints again."""
    known = KnownEvents()
    known.begin(boot())
    console = [replace(kernel_event(None, None), time=START + 5) for _ in range(3)]
    assert [known.is_copy(event) for event in console] == [False, True, True]
    assert [known.is_copy(kernel_event(seq, 5000)) for seq in range(1, 6)] == [True] + [False] * 4
    assert known.is_copy(kernel_event(4, 5000))
    known.begin(boot("0000b002", "agent-restart"))
    assert [known.is_copy(kernel_event(seq, 5000, "0000b002")) for seq in range(1, 7)] == [True] * 5 + [False]


def test_map_is_never_a_copy(known):
    """A map that shows the same again is a new one."""
    event = replace(kernel_event(4, 16000), kind=MAP)
    assert [known.is_copy(event) for _ in range(2)] == [False, False]


def test_as_many_events_as_the_bound_allows_are_known(known, monkeypatch):
    monkeypatch.setattr(known_events, "EVENTS_MAX", 3)
    for number in range(2):
        assert not known.is_copy(kernel_event(None, 20000, text=f"line {number}"))
    assert known.is_copy(kernel_event(3, 15000))
