"""What comes in over a stream: people, echoes, noise, floods; and that none of it costs memory."""

import gc

from agents import Host, agent
from buddyd import compat, wire, wire_host
from buddyd.links.network import NetworkConversation
from buddyd.talk.conversation import ANSWERS_MAX, INPUT_MAX, READ_BYTES, Conversation

TELNET, SERIAL = False, True  # flows unasked?
GREETING = b"buddyd 0.1.0 on xport-07. Type help."
UNKNOWN = b"unknown: xyzzy. Type help."


def test_line_may_end_in_any_way():
    for end in (b"\n", b"\r\n", b"\r", b"\n\r"):
        host = Host(Conversation(agent(), TELNET))
        host.say(b"xyzzy" + end + b"xyzzy" + end)
        assert host.listen() == [GREETING, UNKNOWN, UNKNOWN], end


def test_line_may_come_in_pieces():
    host = Host(Conversation(agent(), TELNET))
    for byte in b"xyzzy\r\n":
        host.say(bytes([byte]))
    assert host.listen() == [GREETING, UNKNOWN]


def test_empty_lines_are_signs_of_life():
    host = Host(NetworkConversation(agent(), TELNET))
    host.listen()
    host.conversation.heard_ms -= 1000
    before = host.conversation.heard_ms
    host.say(b"\n\r\n\r\r")
    assert host.conversation.heard_ms != before
    assert host.listen() == []


def test_longest_line_is_read_and_a_longer_one_is_told():
    host = Host(Conversation(agent(), TELNET))
    host.listen()
    host.say(b"xyzzy" + b" " * (INPUT_MAX - 5) + b"\n")
    assert host.listen() == [UNKNOWN]
    host.say(b"xyzzy" + b" " * (INPUT_MAX - 4) + b"\n")
    assert host.listen() == [b"line too long: at most 128 characters"]
    host.say(b"xyzzy\n")
    assert host.listen() == [UNKNOWN]


def test_too_long_line_on_a_shared_line_gets_no_answer():
    host = Host(Conversation(agent(), SERIAL))
    host.listen()
    host.say(b"x" * 1000 + b"\n")
    assert host.listen() == []


def test_shared_line_answers_known_words_only():
    host = Host(Conversation(agent(), SERIAL))
    host.listen()
    for line in (b"xyzzy", b"login: root", b"/ # ls", b"-sh: help: not found", b"@h", b"@r x", b"~d!!!!!!!", b"~"):
        host.say(line + b"\n")
        assert host.listen() == [], line
    host.say(b"need\n")
    assert host.listen() == [b"need BYTES: a number such as 61440"]


def test_own_frames_echoed_are_ignored():
    here = agent()
    for flows_unasked in (TELNET, SERIAL):
        host = Host(Conversation(here, flows_unasked))
        host.say(wire_host.ask_hello() + b"\n")
        here.poll()
        lines = [line for line in host.listen() if line[:1] == wire.MARK]
        assert len(lines) >= 3
        for line in lines:
            host.say(line + b"\r\n")
        assert host.listen() == []


def test_peer_that_echoes_falls_silent():
    here = agent()
    for flows_unasked in (TELNET, SERIAL):
        for line in (b"help", b"status", b"need", b"need 61440", b"recent", b"recent x", b"xyzzy", b"x" * 200):
            host = Host(Conversation(here, flows_unasked))
            here.poll()
            host.say(line + b"\n")
            lines = host.listen()
            assert lines
            for _ in range(3):
                echo = lines
                lines = []
                for said in echo:
                    host.say(said + b"\n")
                    lines.extend(host.listen())
            assert lines == [], line


def test_damaged_requests_are_dropped():
    here = agent()
    host = Host(Conversation(here, TELNET))
    here.poll()
    host.listen()
    request = wire_host.ask_frames(here.boot, 1, 1)
    for i in range(len(request)):
        damaged = request[:i] + bytes([request[i] ^ 1]) + request[i + 1 :]
        if i:  # another first byte makes it a person's line
            host.say(damaged + b"\n")
    assert host.listen() == []
    for content in (b"@r ", b"@r x 1 1 ", b"@r 00000000 one 1 ", b"@z "):
        host.say(wire.seal(content) + b"\n")
    assert [line for line in host.listen() if line[:1] != wire.MARK] == []


def test_noise_is_survived():
    here = agent()
    for flows_unasked in (TELNET, SERIAL):
        for telnet in (True, False):
            host = Host(Conversation(here, flows_unasked), telnet)
            for byte in range(256):
                host.say(bytes([byte]) * 3 + b"\n" + bytes([byte, 255 - byte, byte]))
                host.listen()
            host.say(b"\xff\xf0\nneed 61440\n")
            assert host.listen()[-1].startswith(b"need 61440: ")


def test_noise_is_told_as_printable_text():
    host = Host(Conversation(agent(), TELNET))
    host.listen()
    host.say(b"\xff\x1b[2J\x80~\n")
    assert host.listen() == [b"unknown: ??[2J??. Type help."]


def test_telnet_commands_are_answered_and_taken_out():
    host = Host(Conversation(agent(), TELNET), telnet=True)
    host.listen()
    host.say(b"xy\xff\xf4\xff\xfd\x06zzy\r\0")
    assert host.listen() == [b"\xff\xfc\x06" + UNKNOWN]
    host.say(b"\xff\xf6\r\n")
    assert host.listen() == [b"[yes]"]


def test_megabyte_without_a_newline_costs_no_memory():
    host = Host(Conversation(agent(), TELNET))
    host.listen()
    garbage = b"garbage without an end, " * 43
    used = []
    for _ in range(8 if hasattr(gc, "mem_alloc") else 1):  # CPython does not say how much it uses
        for _ in range(200):
            host.say(garbage)
            assert len(host.conversation.typed) <= INPUT_MAX + 1
        gc.collect()
        used.append(gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0)
    # Not equal to the byte: a collector that takes any number for an address may keep what is dead for a while. But
    # whatever grows with the input is more in each of the later rounds than in all before.
    assert min(used[4:], default=0) <= max(used[:4])
    host.say(b"\nxyzzy\n")
    assert host.listen() == [b"line too long: at most 128 characters", UNKNOWN]


def test_stream_that_has_nothing_is_no_sign_of_life():
    peer = Conversation(agent(), TELNET)
    host = Host(peer)
    assert peer.receive() is False
    compat.write(host.stream, b"x", 0, 1)
    assert peer.receive() is True


def test_next_client_is_not_given_what_the_last_one_left():
    peer = Conversation(agent(), TELNET)
    host = Host(peer)
    host.say(wire_host.ask_hello() + b"\nnee")
    host.close()
    host = Host(peer)
    host.say(b"d 1\n")
    assert host.listen() == [GREETING, b"unknown: d. Type help."]
    assert not peer.asks


def test_line_that_comes_back_is_one_on_which_nobody_asks():
    """Frames that wait are all sent then; a host that asks gets the newest, and asks for the others."""
    here = agent()
    peer = Conversation(here, SERIAL)
    host = Host(peer)
    host.say(wire_host.ask_hello() + b"\n")
    host.listen()
    host.close()
    for _ in range(20):
        here.poll()
    host = Host(peer)
    assert host.frames_after_newline() == list(range(1, 21))


def test_waiting_answers_are_bounded():
    here = agent()
    peer = Conversation(here, TELNET)
    host = Host(peer)
    for _ in range(20):
        host.say(b"x\n" * (READ_BYTES // 2) + wire_host.ask_hello() + b"\n")
        assert len(peer.answers) <= ANSWERS_MAX
    host.listen()
    host.say(b"xyzzy\n")
    assert host.listen() == [UNKNOWN]


def test_answer_is_cut_to_a_line_of_the_wire():
    here = agent()
    peer = Conversation(here, TELNET)
    host = Host(peer)
    host.listen()
    peer.say(("x" * 1000, "\u00e9~\t"))
    lines = host.listen()
    assert lines == [b"x" * (wire.LINE_MAX - 2), b"????"]
