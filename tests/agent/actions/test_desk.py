"""How a host gives a command: in parts, over a line that loses some; who may; and what is left of it afterwards."""

import gc
import sys

from agents import agent, events
from buddyd import options, wire
from buddyd.links.console import ConsoleConversation
from buddyd.links.network import NetworkConversation
from buddyd.talk import secret
from buddyd.talk.conversation import Conversation
from clock import Clock
from commanding import WHO, Commander, Piece, allow_all, ask_line, part_lines, quit_line, work
from places import GREETING, KEY, OF_HOST, PATIENCE, Place
from scratch import Scratch

NUMBER = b"0000000a"


def serial():
    return Commander(Conversation(allow_all(agent()), True))


def told(here):
    """(exit code, who, what) of each command in the ring."""
    return [(event[2], event[4], event[5]) for event in events(here) if event[1] == "act"]


def written(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def test_command_and_its_failure_are_events_with_who_and_what():
    with Scratch() as scratch:
        here = serial()
        here.run(b"write", scratch.path.encode() + b"/a", b"x|y~\nz")
        here.run(b"rm", scratch.path.encode() + b"/no")
        assert told(here.agent) == [
            (None, "alice@pc", "write %s/a x|y??z" % scratch.path),
            (None, "alice@pc", "rm %s/no" % scratch.path),
            (1, "alice@pc", "rm %s/no" % scratch.path),
        ]


def test_parts_may_come_in_any_order_and_again():
    with Scratch() as scratch:
        here, path = serial(), scratch.path.encode() + b"/a"
        whole = here.whole(NUMBER, (b"write", path, b"x" * 100))
        lines = part_lines(NUMBER, whole)
        assert len(lines) > 3
        for line in lines[2:] + lines[2:]:
            here.host.say(line)
        missing = here.ask(NUMBER, 0)
        assert (missing.kind, missing.data) == (b"m", b'!"')
        assert written(path) is None
        for line in (lines[1], lines[0], lines[1]):
            here.host.say(line)
        assert here.rest(NUMBER) == (b"", b"", 0)
        assert written(path) == b"x" * 100 + b"\n"
        assert len(told(here.agent)) == 1


def test_command_that_arrives_again_is_not_done_again():
    with Scratch() as scratch:
        here, path = serial(), scratch.path.encode() + b"/a"
        lines = part_lines(NUMBER, here.whole(NUMBER, (b"write", b"-a", path, b"x")))
        for _ in range(2):
            for line in lines:
                here.host.say(line)
            assert here.rest(NUMBER) == (b"", b"", 0)
        here.run(b"write", b"-a", path, b"y")
        for line in lines:
            here.host.say(line)
        assert here.ask(NUMBER, 0).kind == b"g"
        assert written(path) == b"x\ny\n"


def test_piece_is_sent_again_until_the_next_is_asked_for():
    with Scratch() as scratch:
        text = bytes([33 + i % 90 for i in range(1000)])
        here = serial()
        number = here.send(b"cat", scratch.write("a", text).encode())
        first = here.ask(number, 0)
        assert (first.kind, first.data) == (b"o", text[:165])
        assert here.ask(number, 0).data == first.data
        second = here.ask(number, 1)
        assert second.data == text[165:330]
        assert here.pieces(ask_line(number, 0)) == []
        assert here.pieces(ask_line(number, 7)) == []
        assert here.rest(number, 2) == (text[330:], b"", 0)


def test_one_command_at_a_time():
    with Scratch() as scratch:
        here = serial()
        first = here.send(b"cat", scratch.write("a", bytes(1000)).encode())
        here.ask(first, 0)
        (refused,) = [Piece(line) for line in here.host_lines(b"ls")]
        assert (refused.kind, refused.data) == (b"n", b"busy: another command runs: cat %s/a" % scratch.path.encode())
        assert here.rest(first, 1)[2] == 0
        assert here.run(b"ls", scratch.path.encode()) == (b"a\n", b"", 0)


def test_command_can_be_interrupted():
    with Scratch() as scratch:
        here = serial()
        number = here.send(b"cat", scratch.write("a", bytes(1000)).encode())
        here.ask(number, 0)
        (end,) = here.pieces(quit_line(number))
        assert (end.kind, end.data) == (b"d", b"130")
        assert told(here.agent)[-1][0] == 130
        assert here.run(b"ls", scratch.path.encode()) == (b"a\n", b"", 0)


def test_command_whose_host_is_gone_is_ended_and_its_code_unloaded():
    with Clock() as clock, Scratch() as scratch:
        here = serial()
        number = here.send(b"cat", scratch.write("a", bytes(1000)).encode())
        here.ask(number, 0)
        clock.pass_ms(29000)
        work(here.agent)
        assert here.agent.commands.desk is not None
        clock.pass_ms(2000)
        work(here.agent)
        assert here.agent.commands.desk is None
        assert told(here.agent)[-1][0] == 130
        assert [name for name in sys.modules if name.startswith("buddyd.actions.")] == []
        assert here.ask(number, 1).kind == b"g"


def test_heap_is_given_back():
    if not hasattr(gc, "mem_alloc"):
        return  # CPython
    with Clock() as clock, Scratch() as scratch:
        here = serial()

        def in_use_after(words):
            here.run(*words)
            clock.pass_ms(31000)
            work(here.agent)
            here.seen.clear()
            gc.collect()
            gc.collect()
            return gc.mem_alloc()

        words = b"ls", scratch.path.encode()
        in_use_after(words)
        before = in_use_after(words)
        for _ in range(3):
            after = in_use_after(words)
        assert after <= before, (before, after)


def test_too_long_a_command_is_refused():
    here = serial()
    (refused,) = [Piece(line) for line in here.host_lines(b"rm", b"x" * 1000)][:1]
    assert (refused.kind, refused.data) == (b"n", b"the command is too long: at most 792 bytes")


def test_hostile_requests_change_nothing():
    here = serial()
    for content in (
        b"@X",
        b"@X ",
        b"@X 0000000a ",
        b'@X 0000000a !"',
        b"@X 0000000a zzAAAA",
        b"@X 0000000a \x80\x80AAAA",
        b'@X 0000000a !"****',
        b'@X 0000000a !"A',
        b'@X 0000000a ""AAAA',
        b'@X short !"AAAA',
        b"@x 0000000a -1 ",
        b"@x 0000000a x ",
        b"@x 0000000a 99999999999 ",
        b"@q 0000000a - ",
        b"@q",
    ):
        here.host.say(wire.seal(content) + b"\n")
        work(here.agent)
        for line in here.host.listen():
            assert line[:1] == b"~", line
    assert told(here.agent) == []


def test_console_and_unproven_network_take_no_command():
    with Scratch() as scratch:
        for peer in (ConsoleConversation(allow_all(agent())), NetworkConversation(allow_all(agent()), False)):
            here = Commander(peer)
            number = here.send(b"write", scratch.path.encode() + b"/a", b"x")
            assert here.pieces(ask_line(number, 0)) == []
            assert (told(peer.agent), peer.agent.commands.desk) == ([], None)
        assert written(scratch.path + "/a") is None


def test_agent_that_allows_nothing_takes_no_command():
    here = Commander(Conversation(agent(), True))
    number = here.send(b"ls", b"/")
    assert here.pieces(ask_line(number, 0)) == []


def test_echo_of_what_the_agent_sends_is_no_command():
    """A line with a wrong cable, or a terminal: all that is said comes back, whole or without its beginning."""
    with Scratch() as scratch:
        here = serial()
        command = b"".join(part_lines(NUMBER, here.whole(NUMBER, (b"write", scratch.path.encode() + b"/a", b"x"))))
        here.agent.event(1, "source", None, None, None, str(command.replace(b"\n", b" "), "ascii"))
        here.run(b"cat", scratch.write("script", command).encode())
        here.host.say(b"".join([bytes(line) + b"\n" for line in here.seen]))
        here.host.say(b"".join([bytes(line[20:]) + b"\n" for line in here.seen]))
        assert written(scratch.path + "/a") is None


class Proven:
    """A telnet client that has proven the secret, and the key of its connection."""

    def __init__(self, place):
        self.place = place
        self.caller = place.come()
        self.caller.prove()
        self.caller.until(GREETING)
        challenge = [line.strip() for line in self.caller.heard.split(b"\n") if line[:2] == b"~S"][-1]
        self.of_board = secret.parse(challenge, secret.CHALLENGE, 2)[1]
        (self.peer,) = [peer for peer in place.link.conversations if place.agent.commands.of(peer) is not None]
        self.key = place.agent.commands.of(self.peer).key

    def give(self, number, words, key=None):
        """Send a command with its code; what is answered to a request for the first piece."""
        whole = b"\0".join((WHO,) + words)
        whole += secret.command_code(key or self.key, number, whole)
        return self.say(b"".join(part_lines(number, whole)), number)

    def say(self, lines, number):
        at = len(self.caller.heard)
        self.caller.say(lines + ask_line(number, 0))
        for _ in range(PATIENCE):
            work(self.place.agent)
            self.place.turn(5)
            if [end for end in (b" 0 d ", b" 0 m ") if self.caller.heard.find(number + end, at) >= 0]:
                break
        found = [line.strip() for line in self.caller.heard[at:].split(b"\n") if line[:2] == b"~X"]
        return [Piece(line) for line in found]

    def leave(self):
        self.place.callers.remove(self.caller)  # MicroPython would read from whoever has its descriptor next
        self.caller.stream.close()
        self.place.pass_ms(1000)

    def is_refused(self, pieces):
        """The board refused the command, and then knows of none with this number."""
        said = [(piece.kind, piece.data) for piece in pieces]
        return said == [(b"n", b"the proof of this command is wrong"), (b"m", b"")]


def guarded_place():
    place = Place(guarded=True)
    allow_all(place.agent)
    return place


def test_proven_client_gives_commands_with_a_code():
    with guarded_place() as place, Scratch() as scratch:
        path = scratch.path.encode() + b"/a"
        client = Proven(place)
        assert client.key == secret.command_key(KEY, b"xport-07", client.of_board, OF_HOST)
        (done,) = client.give(NUMBER, (b"write", path, b"x"))
        assert (done.kind, done.data) == (b"d", b"0")
        assert written(path) == b"x\n"


def test_command_without_a_code_or_with_that_of_another_connection_is_refused():
    with guarded_place() as place, Scratch() as scratch:
        path = scratch.path.encode() + b"/a"
        client = Proven(place)
        words = b"write", path, b"x"
        other = secret.command_key(KEY, b"xport-07", b"A" * 22, OF_HOST)
        for key in (other, b"k"):
            assert client.is_refused(client.give(NUMBER, words, key))
        lines = b"".join(part_lines(NUMBER, b"\0".join((WHO,) + words)))
        assert client.is_refused(client.say(lines, NUMBER))
        assert written(path) is None
        assert told(place.agent) == []


def test_recorded_command_is_not_done_again():
    with guarded_place() as place, Scratch() as scratch:
        path = scratch.path.encode() + b"/a"
        client = Proven(place)
        whole = b"\0".join((WHO, b"write", b"-a", path, b"x"))
        whole += secret.command_code(client.key, NUMBER, whole)
        recorded = b"".join(part_lines(NUMBER, whole))
        client.say(recorded, NUMBER)
        for number in range(11, 30):  # so many that the agent has forgotten the first
            client.give(b"%08x" % number, (b"write", path + b"2", b""))
            place.pass_ms(1000)
        assert client.is_refused(client.say(recorded, NUMBER))
        assert written(path) == b"x\n"
        client.leave()
        other = Proven(place)
        assert other.is_refused(other.say(recorded, NUMBER))
        assert written(path) == b"x\n"


def test_client_without_proof_gets_nothing():
    with guarded_place() as place, Scratch() as scratch:
        caller = place.come()
        caller.until(b"~S ")
        at = len(caller.heard)
        whole = b"\0".join((WHO, b"write", scratch.path.encode() + b"/a", b"x"))
        caller.say(b"".join(part_lines(NUMBER, whole)) + ask_line(NUMBER, 0))
        assert b"~X" not in caller.heard[at:]
        assert (place.agent.commands.desk, written(scratch.path + "/a")) == (None, None)


def test_key_of_a_connection_ends_with_it():
    with guarded_place() as place:
        client = Proven(place)
        peer = client.peer
        client.leave()
        assert place.agent.commands.of(peer) is None
        Proven(place)
        assert place.agent.commands.of(peer).rank == 0


def test_options_of_allow():
    assert options.check({})["allow"] == ()
    assert options.check({"allow": "reboot, files"})["allow"] == ("files", "reboot")
    try:
        options.check({"allow": "everything"})
    except options.OptionError as error:
        assert "files, processes, tuning, reboot" in str(error)
    else:
        raise AssertionError("not refused")
