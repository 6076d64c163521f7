"""Who may give commands: nobody on a console, without a proof, with a recorded one, or through an echo."""

from agents import agent
from buddyd.links.console import ConsoleConversation
from buddyd.links.network import NetworkConversation
from buddyd.talk import secret
from buddyd.talk.conversation import Conversation
from commanding import WHO, Commander, Piece, allow_all, ask_line, part_lines, serial, told, work, written
from places import GREETING, KEY, OF_HOST, PATIENCE, Place
from scratch import Scratch

NUMBER = b"0000000a"


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
