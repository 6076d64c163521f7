"""Boards whose frames come one after the other, and leave nothing to do but to store them."""

from functools import partial
from random import Random

import pytest
from boards import START, config
from buddyd import wire
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.protocol.frame import Frame, together
from buddywatch.protocol.line_stream import LinkSession
from buddywatch.store.store import Store
from fleet_boards import first_vector, live_a_little, settled_facts

SILENT_S = 60
PATIENCE_S = 60  # of config(), for the frames of a hole


class Live:
    """A board that sends a frame each second over a link, to Boards over a store."""

    def __init__(self, boards, name, number):
        self.boards, self.name = boards, name
        self.vector = first_vector()
        told = (("up", str(self.vector[0])), ("key", "0"), ("oldest", "1"), ("next", "1"))
        boot_id = f"{number:08x}"
        self.hello = wire.hello_lines(boot_id, (*settled_facts(name, 100), *told))
        self.encoder = wire.Encoder(boot_id, len(self.vector), 100, 1 << 20)
        self.session, self.random = LinkSession(), Random(number)

    def meet(self, at):
        self._receive(self.hello, at)

    def send(self, at, is_lost=False):
        lines = []
        self.vector[0] += 100
        live_a_little(self.vector, self.random)
        self.encoder.snapshot(self.vector, lines.append)
        self._receive([] if is_lost else lines, at)

    def _receive(self, lines, at):
        for run in together(self.session.feed(b"".join(bytes(line) + b"\n" for line in lines))):
            self.boards.do(self.name, partial(self._give, run, at), at)

    @staticmethod
    def _give(run, at, board):
        if isinstance(run[0], Frame):
            board.take_frames(run, at.time, True, at)
        else:
            board.take(run[0], at.time, True, at)


class World:
    def __init__(self, store, count, silent_after_s=SILENT_S):
        self.store, self.at = store, Now(START, 0.0)
        self.boards = Boards(store, config(silent_after_s=silent_after_s), print, lambda name: False)
        self.live = [Live(self.boards, f"board{number}", number) for number in range(count)]
        for one in self.live:
            one.meet(self.at)

    def second(self, speaks=True):
        self.at = Now(self.at.time + 1, self.at.monotonic_s + 1)
        for one in self.live if speaks else ():
            one.send(self.at)
        return self.boards.tick(self.at)

    def save(self, all_rows=True):
        """Returns the boards of which something was stored."""
        self.boards.gather(1.0, all_rows)
        batch = self.boards.take_batch()
        stored = sorted(batch.boards)
        self.store.write(batch)
        return stored

    def states(self):
        """Of the alerts about silence, the oldest first."""
        self.save()
        found = [one for one in self.store.incidents("board0") if one.rule == "silent"]
        return [one.state for one in sorted(found, key=lambda one: one.id)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        yield store


def test_a_board_that_falls_silent_after_many_frames_is_told_in_time(store):
    world = World(store, 1)
    for states in ([], ["ok"]):
        for _ in range(3 * SILENT_S):
            world.second()
        assert world.states() == states
        for _ in range(SILENT_S - 1):
            world.second(speaks=False)
        assert world.states() == states
        world.second(speaks=False)
        assert world.states() == [*states, "firing"]


def test_a_hole_is_waited_for_no_longer_than_the_patience(store):
    world = World(store, 1, 10 * PATIENCE_S)
    for _ in range(3):
        assert world.second() == []
    world.live[0].send(world.at, is_lost=True)
    world.live[0].encoder.key_due = 0  # the next frame needs none before it
    world.second()
    due = [world.second(speaks=False) for _ in range(PATIENCE_S + 1)]
    assert due == [*[[]] * (PATIENCE_S - 1), ["board0"], []]


def test_only_the_boards_whose_rows_cannot_wait_are_written(store):
    world = World(store, 3)
    assert world.save(all_rows=False) == ["board0", "board1", "board2"]  # a new boot cannot wait
    world.second()
    assert world.save(all_rows=False) == []
    failed = "Allocation of length 61440 from process 17 (rm) failed"
    world.boards.do("board1", lambda board: board.take_console(failed, world.at.time, world.at), world.at)
    assert world.save(all_rows=False) == ["board1"]
    assert world.save(all_rows=False) == []
    assert world.save() == ["board0", "board2"]
    assert [len(list(store.snapshots(f"board{number}"))) for number in range(3)] == [1, 1, 1]
