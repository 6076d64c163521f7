"""The host's side of commands, for the agent's tests: sends them in parts, and asks for their output."""

import binascii

from agents import Host, agent, events
from buddyd import options, wire
from buddyd.actions.commands import Commands
from buddyd.talk import secret
from buddyd.talk.conversation import Conversation

PART_BYTES = 33
WHO = b"alice@pc"


def allow_all(agent):
    """Let an agent take all commands."""
    return allow(agent, options.ALLOWED)


def allow(agent, kinds):
    agent.commands = Commands(agent, kinds)
    return agent


class Piece:
    """A line ~X of a board, see PROTOCOL.md."""

    def __init__(self, line):
        content = wire.unseal(line)
        assert content is not None and content[:3] == b"~X ", line
        assert len(line) < wire.LINE_MAX
        _, self.number, at, self.kind, text, _ = content.split(b" ")
        self.at = int(at)
        self.data = binascii.a2b_base64(text)


def part_lines(number, whole):
    """The lines that bring a command."""
    parts = [whole[at : at + PART_BYTES] for at in range(0, len(whole), PART_BYTES)]
    lines = []
    for index in range(len(parts)):
        digits = bytes((wire.FIRST_DIGIT + index, wire.FIRST_DIGIT + len(parts)))
        line = wire.seal(b"@X %s %s%s" % (number, digits, binascii.b2a_base64(parts[index])[:-1]))
        assert len(line) < wire.ASK_MAX, line
        lines.append(line + b"\n")
    return lines


def ask_line(number, at):
    return wire.seal(b"@x %s %d " % (number, at)) + b"\n"


def quit_line(number):
    return wire.seal(b"@q %s - " % number) + b"\n"


class Turns:
    """In place of a loop.Loop, for commands.Commands.work()."""

    woken = 0

    def wake(self):
        self.woken += 1


def work(agent):
    """Let an agent go on with its command, as the loop does between polls."""
    turns = Turns()
    while agent.commands is not None and agent.commands.work(turns):
        pass


class Commander:
    """Gives commands to an agent over one conversation. key: of the connection, b"" on a serial line."""

    def __init__(self, peer, key=b""):
        self.agent = peer.agent
        self.host = Host(peer)
        self.host.listen()
        self.key = key
        self.count = 0
        self.seen = []  # all lines of the agent

    def whole(self, number, words):
        whole = b"\0".join((WHO,) + words)
        return whole + (secret.command_code(self.key, number, whole) if self.key else b"")

    def send(self, *words):
        """Send a command; its number."""
        self.count += 1
        number = b"%08x" % self.count
        for line in part_lines(number, self.whole(number, words)):
            self.host.say(line)
        return number

    def host_lines(self, *words):
        """Send a command, and return the lines ~X that come."""
        self.send(*words)
        return [line for line in self.host.listen() if line[:2] == b"~X"]

    def pieces(self, line):
        """Say a line, let the agent work, and return the pieces that come."""
        self.host.say(line)
        work(self.agent)
        lines = self.host.listen()
        self.seen += lines
        return [Piece(line) for line in lines if line[:2] == b"~X"]

    def ask(self, number, at):
        """The answer to a request for a piece."""
        (piece,) = self.pieces(ask_line(number, at))
        assert piece.number == number
        return piece

    def rest(self, number, at=0):
        """(output, failures, code) of a command from a piece on."""
        found = {b"o": b"", b"f": b"", b"d": b""}
        while not found[b"d"]:
            piece = self.ask(number, at)
            assert piece.at == at
            found[piece.kind] += piece.data
            at += 1
        return found[b"o"], found[b"f"], int(found[b"d"])

    def run(self, *words):
        return self.rest(self.send(*words))


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
