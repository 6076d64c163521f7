"""A command for a board over a line that loses some: what is sent and asked for again. The board is a real agent."""

import random
from pathlib import Path

import pytest
from agents import agent
from buddyd import wire_host
from buddyd.talk.conversation import Conversation
from buddywatch.protocol import command_call
from buddywatch.protocol.command_call import BYTES_MAX, CommandCall
from buddywatch.protocol.frame import Piece
from buddywatch.protocol.line_stream import LinkSession
from commanding import Commander, allow_all, work

STEP_S = 0.5


class Line:
    """A board on a serial line that damages lines in both directions. shown: what a command printed."""

    def __init__(self, seed: int, loss: float) -> None:
        self.board = Commander(Conversation(allow_all(agent()), True))
        self.session = LinkSession()
        self.chance, self.loss = random.Random(seed), loss
        self.now_s = 100.0
        self.shown: list[tuple[bytes, bool]] = []

    def give(self, *words: bytes) -> CommandCall:
        self.shown = []
        command = b"\0".join((b"alice@pc", *words))
        return CommandCall(command, b"", lambda data, is_failure: self.shown.append((data, is_failure)), self.now_s)

    def damaged(self, line: bytes) -> bytes:
        if self.chance.random() < self.loss:
            at = self.chance.randrange(len(line) - 1)
            other = b"!" if line[at : at + 1] == b"?" else b"?"
            return line[:at] + other + line[at + 1 :]
        return line

    def turn(self, call: CommandCall) -> None:
        out, call.out = call.out, b""
        for line in out.splitlines(keepends=True):
            self.board.host.say(self.damaged(line))
        work(self.board.agent)
        for line in self.board.host.listen():
            self.session.feed(self.damaged(bytes(line) + b"\n"))
        while self.session.pieces:
            call.take(self.session.pieces.popleft(), self.now_s)
        self.now_s += STEP_S
        call.tick(self.now_s)

    def run(self, *words: bytes) -> CommandCall:
        call = self.give(*words)
        while not call.is_over:
            self.turn(call)
        return call

    def output(self) -> bytes:
        return b"".join(data for data, _ in self.shown)


@pytest.mark.parametrize("seed", range(5))
def test_lines_that_are_lost_lose_no_output_and_do_nothing_twice(tmp_path: Path, seed: int) -> None:
    line = Line(seed, 0.2)
    file, text = tmp_path / "a", bytes(range(256)) * 8
    (tmp_path / "text").write_bytes(text)
    for _ in range(5):
        assert line.run(b"write", b"-a", bytes(file), b"x" * 100).code == 0
        assert line.run(b"cat", bytes(tmp_path / "text")).code == 0
        assert line.output() == text
    assert file.read_bytes() == (b"x" * 100 + b"\n") * 5


def test_failures_come_apart_from_output(tmp_path: Path) -> None:
    line = Line(0, 0.0)
    (tmp_path / "a").write_bytes(b"text")
    call = line.run(b"cat", bytes(tmp_path / "a"), bytes(tmp_path / "no"), bytes(tmp_path / "a"))
    failure = f"cat: can't open '{tmp_path}/no': No such file or directory\n".encode()
    assert (call.code, line.shown) == (1, [(b"text", False), (failure, True), (b"text", False)])


def test_longest_command_is_taken() -> None:
    line = Line(0, 0.0)
    call = line.run(b"ls", b"/" + b"x" * (BYTES_MAX - len(b"alice@pc ls /")))
    assert call.code == 1
    assert b"File name too long" in line.output()


def test_board_that_never_answers_is_given_up() -> None:
    line = Line(0, 1.0)
    call = line.run(b"ls")
    assert call.error == "no answer for 20 s"
    assert line.board.agent.commands.desk is None


def test_work_without_output_is_waited_for() -> None:
    line = Line(0, 0.0)
    call = line.give(b"ls")
    for _ in range(100):
        line.now_s += STEP_S
        call.take(Piece(call.number, 0, wire_host.WORKING, b""), line.now_s)
        call.tick(line.now_s)
    assert not call.is_over
    call.take(Piece(call.number, 0, wire_host.DONE, b"0"), line.now_s)
    assert call.code == 0


def test_output_that_is_gone_is_an_error_and_not_done_again() -> None:
    line = Line(0, 0.0)
    call = line.give(b"ls")
    call.take(Piece(call.number, 0, wire_host.GONE, b""), line.now_s)
    assert call.error == "the board began it, but how it ended is lost"


def test_command_that_never_arrives_whole_is_given_up() -> None:
    line = Line(0, 0.0)
    call = line.give(b"ls")
    while not call.is_over:
        call.take(Piece(call.number, 0, wire_host.MISSING, b""), line.now_s)
    assert call.error == "the board did not get the whole command in 10 tries"


def test_pieces_of_other_commands_are_left_alone() -> None:
    line = Line(0, 0.0)
    call = line.give(b"ls")
    call.take(Piece(b"ffffffff", 0, wire_host.DONE, b"0"), line.now_s)
    assert not call.is_over


def test_numbers_rise() -> None:
    line = Line(0, 0.0)
    numbers = [int(line.give(b"ls").number, 16) for _ in range(3)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_interrupted_command_ends_on_the_board(tmp_path: Path) -> None:
    line = Line(0, 0.0)
    (tmp_path / "a").write_bytes(bytes(5000))
    call = line.give(b"cat", bytes(tmp_path / "a"))
    line.turn(call)
    call.interrupt()
    assert (call.is_over, call.code) == (True, command_call.INTERRUPTED)
    line.turn(call)
    assert line.run(b"ls", bytes(tmp_path / "a")).code == 0
