"""`watch`: a line for each snapshot, until something is typed."""

import gc

from agents import Host, agent
from buddyd import wire, wire_host
from buddyd.talk import WATCHING
from buddyd.talk.conversation import Conversation

TELNET, SERIAL = False, True  # flows unasked?
HEAD = WATCHING[0].encode()


def rows(host):
    return [line for line in host.listen() if b" up " in line]


def watching(flows_unasked=TELNET):
    host = Host(Conversation(agent(), flows_unasked))
    host.listen()
    host.say(b"watch\n")
    return host


def test_each_snapshot_is_a_line():
    host = watching()
    here = host.conversation.agent
    assert host.listen() == [HEAD], "there is none yet"
    for number in range(1, 6):
        here.poll()
        (row,) = host.listen()
        assert row.startswith(b"%d up 0:00:00:14 DMA 140 32 6 " % number)
        assert row.endswith(b"; at most 16kB in one piece")
        assert host.listen() == []


def test_newest_snapshot_is_shown_at_once():
    here = agent()
    here.poll()
    host = Host(Conversation(here, TELNET))
    host.listen()
    host.say(b"watch\n")
    assert [line.split()[0] for line in host.listen()[1:]] == [b"1"]


def test_events_are_no_snapshots():
    host = watching()
    here = host.conversation.agent
    host.listen()
    here.encoder.event(wire.event_text(1, "source", None, None, None, "lost meminfo"), here.ring.append)
    assert host.listen() == []


def test_slow_reader_gets_the_newest_only():
    host = watching()
    for _ in range(50):
        host.conversation.agent.poll()
    assert [row.split()[0] for row in rows(host)] == [b"50"]


def test_whatever_is_typed_ends_it():
    for words in (b"", b"stop", b"help", b"xyzzy"):
        host = watching()
        host.conversation.agent.poll()
        assert len(rows(host)) == 1
        host.say(words + b"\n")
        host.conversation.agent.poll()
        assert rows(host) == [], words


def test_request_of_a_collector_does_not_end_it():
    host = watching()
    host.say(wire_host.ask_hello() + b"\n")
    host.conversation.agent.poll()
    assert len(rows(host)) == 1


def test_on_a_serial_line_only_a_command_ends_it():
    host = watching(SERIAL)
    for words in (b"", b"xyzzy", b"login: "):
        host.say(words + b"\n")
        host.conversation.agent.poll()
        assert len(rows(host)) == 1, words
    host.say(b"stop\n")
    host.conversation.agent.poll()
    assert rows(host) == []


def test_next_conversation_does_not_watch():
    host = watching()
    peer = host.conversation
    host.close()
    again = Host(peer)
    peer.agent.poll()
    assert rows(again) == []


def test_watching_costs_no_memory():
    host = watching()
    here = host.conversation.agent
    used = []
    for _ in range(8 if hasattr(gc, "mem_alloc") else 1):  # CPython does not say how much it uses
        for _ in range(100):
            here.poll()
            host.listen()
        gc.collect()
        used.append(gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0)
    # Not equal to the byte, see test_megabyte_without_a_newline_costs_no_memory().
    assert min(used[4:], default=0) <= max(used[:4])
