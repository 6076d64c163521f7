"""A terminal that belongs to a shell: only written on, a few lines at a time, each burst on a fresh line."""

from agents import Host, agent
from buddyd.links.console import LINES_A_POLL, ConsoleConversation, open_terminal
from harness import fixture, raises


def burst(host, peer):
    peer.allowed = LINES_A_POLL
    return host.listen()


def test_frames_come_a_few_at_a_time_and_on_a_fresh_line():
    here = agent()
    peer = ConsoleConversation(here)
    for _ in range(20):
        here.poll()
    host = Host(peer)
    first = host.listen()
    assert len(first) == LINES_A_POLL
    assert first[0] == b""
    numbers = [line for line in first if line[1:2] in (b"k", b"d")]
    while len(numbers) < 20:
        lines = burst(host, peer)
        assert lines[0] == b"", "behind whatever stands there"
        assert len(lines) <= 1 + LINES_A_POLL
        numbers += [line for line in lines if line[1:2] in (b"k", b"d")]
    assert burst(host, peer) == []
    here.poll()
    lines = burst(host, peer)
    assert lines[0] == b""
    assert len(lines) == 2


def test_nothing_is_read():
    assert not ConsoleConversation(agent()).reads


def test_file_is_no_terminal():
    assert raises(OSError, open_terminal, fixture("captures/README.md")).errno == 25
    assert raises(OSError, open_terminal, "/no/such/terminal").errno == 2
