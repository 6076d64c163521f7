"""Who comes over a network: asked for the secret, held to a rate, disconnected when nothing is heard."""

from agents import Host, agent
from buddyd import compat, wire_host
from buddyd.links.network import LINES_A_SECOND, NetworkConversation
from buddyd.talk import secret

KEY = b"correct-horse-battery-staple"
OF_HOST = b"8PHy8_T19vf4-fr7_P3-_w"
TOO_FAST = b"too fast: at most %d lines a second; some were dropped" % LINES_A_SECOND


def guarded():
    here = agent()
    here.secret = KEY
    return here


def challenge_of(lines):
    """(name, nonce) of the newest challenge among the lines."""
    found = [secret.parse(line, secret.CHALLENGE, 2) for line in lines]
    return [words for words in found if words][-1]


def answer_to(lines, key=KEY):
    name, of_board = challenge_of(lines)
    return secret.answer(key, name, of_board, OF_HOST)


def test_nothing_flows_before_the_proof():
    here = guarded()
    host = Host(NetworkConversation(here, False))
    requests = (wire_host.ask_hello(), wire_host.ask_frames(here.boot, 1, 9))
    for words in (b"help", b"status", b"need 1", b"recent", b"watch") + requests:
        here.poll()
        host.say(words + b"\n")
        lines = host.listen()
        assert [line for line in lines if line != secret.DEMAND.encode() and line[:2] != b"~S"] == [], words
    assert challenge_of(lines)[0] == b"xport-07"


def test_proof_opens_and_is_proven_in_turn():
    here = guarded()
    host = Host(NetworkConversation(here, False))
    lines = host.listen()
    name, of_board = challenge_of(lines)
    host.say(answer_to(lines) + b"\n")
    proof, greeting = host.listen()
    assert secret.parse(proof, secret.PROOF, 1) == [secret.proof(KEY, secret.BOARD, name, of_board, OF_HOST)]
    assert greeting == b"buddyd 0.1.0 on xport-07. Type help."
    here.poll()
    host.say(wire_host.ask_hello() + b"\n")
    assert host.listen()[0][:2] == b"~H"


def refused(host, line):
    try:
        host.say(line + b"\n")
    except OSError:
        return host.stream.recv(4096).rstrip() == secret.REFUSED.encode()
    return False


def test_wrong_proof_ends_the_conversation():
    host = Host(NetworkConversation(guarded(), False))
    assert refused(host, answer_to(host.listen(), KEY + b"x"))


def test_recorded_answer_is_of_no_use():
    here = guarded()
    visitor = NetworkConversation(here, False)
    host = Host(visitor)
    recorded = answer_to(host.listen())
    host.say(recorded + b"\n")
    assert secret.parse(host.listen()[0], secret.PROOF, 1)
    host.close()
    host = Host(visitor)
    host.listen()
    assert refused(host, recorded), "not on the next connection"
    other = Host(NetworkConversation(here, False))
    other.listen()
    assert refused(other, recorded), "nor on another one"


class SameBytes:
    """The part of os that a gate needs, on a board without entropy."""

    def urandom(self, count):
        return bytes(count)


def test_challenges_differ_where_the_board_gives_the_same_random_bytes():
    here, before = guarded(), compat.os
    compat.os = SameBytes()
    try:
        visitor = NetworkConversation(here, False)
        asked = [bytes(challenge_of(Host(visitor).listen())[1]) for _ in range(20)]
        here.boot = "00000000"  # another life
        asked += [bytes(challenge_of(Host(visitor).listen())[1]) for _ in range(20)]
    finally:
        compat.os = before
    for nonce in asked:
        assert asked.count(nonce) == 1


def test_person_is_told_what_to_do():
    host = Host(NetworkConversation(guarded(), False))
    assert host.listen()[0] == secret.DEMAND.encode()
    host.say(b"status\n\n")
    lines = host.listen()
    assert lines[0] == secret.DEMAND.encode()
    assert len(lines) == 2, "an empty line is a sign of life"


def test_lines_beyond_the_rate_are_dropped_and_told_once():
    visitor = NetworkConversation(agent(), False)
    host = Host(visitor)
    host.listen()
    answers = []
    for _ in range(LINES_A_SECOND + 1):
        assert visitor.wants_read()
        host.say(b"xyzzy\n")
        answers += host.listen()
    assert answers == [b"unknown: xyzzy. Type help."] * LINES_A_SECOND + [TOO_FAST]
    assert not visitor.wants_read(), "the rest of the second"
    host.say(b"xyzzy\n")
    assert host.listen() == [], "told once"
    assert not visitor.is_over(compat.ticks_ms())  # a new second
    assert visitor.wants_read()
    host.say(b"xyzzy\n")
    assert host.listen() == [b"unknown: xyzzy. Type help."]


def test_requests_have_a_rate_of_their_own():
    visitor = NetworkConversation(agent(), False)
    host = Host(visitor)
    host.listen()
    hellos = 0
    while visitor.wants_read():
        host.say(wire_host.ask_hello() + b"\n")
        hellos += len([line for line in host.listen() if b" next=" in line])
    assert hellos == 10 * LINES_A_SECOND


def test_bytes_without_a_line_are_held_to_a_twentieth_of_the_processor():
    before, now_us = compat.ticks_us, [0]

    def slow():
        now_us[0] += 1000
        return now_us[0]

    compat.ticks_us = slow
    try:
        # Of a millisecond each; each of ten answers costs a quarter of that.
        for noise, expected in ((b"x" * 50, 50), (b"\xff\xf1" * 10, 50), (b"\xff\xfd\x06" * 10, 15)):
            visitor = NetworkConversation(agent(), False)
            host = Host(visitor, telnet=True)
            host.listen()
            taken = 0
            while visitor.wants_read():
                host.say(noise)
                host.listen()
                taken += 1
            assert taken == expected, noise
    finally:
        compat.ticks_us = before
