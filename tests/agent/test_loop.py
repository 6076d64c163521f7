"""The loop with a real agent and real streams: when it polls, and what it does when something fails."""

from agents import agent, pair
from buddyd import compat, wire_host
from buddyd.links.base import Link
from buddyd.loop import RESTLESS_TICK_MS, TICK_MS, Loop
from buddyd.talk.conversation import Conversation
from harness import raises

INTERVAL_MS = 10


class SlowAgent:
    """A real agent, whose every fourth poll takes three intervals; ends the loop after so many polls."""

    commands = None

    def __init__(self, polls):
        self.agent = agent()
        self.left = polls
        self.starved = 0
        self.kernel_log = self.agent.kernel_log

    def poll(self):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.agent.poll()
        began = compat.ticks_ms()
        while self.left % 4 == 0 and compat.ticks_diff(compat.ticks_ms(), began) < 3 * INTERVAL_MS:
            pass


def opened(stream):
    """An opener for a Link that finds the stream once, and nothing afterwards."""
    streams = [stream]

    def opener(_):
        if not streams:
            raise OSError(2, "")
        return streams.pop()

    return opener


def make_loop(here, flows_unasked=True):
    """A Loop with one Link to a stream; the loop, and the other end of the stream."""
    loop = Loop(here, INTERVAL_MS)
    ours, theirs = pair()
    link = Link(loop, "test", Conversation(here, flows_unasked), opened(ours), None)
    loop.links = [link]
    link.open()
    return loop, theirs


def serve_all(loop):
    """Read what the peer sent, and send the answers, which may take several turns."""
    for _ in range(30):
        loop.wake()
        loop.serve(0)


def test_poll_that_is_too_late_is_left_out():
    here = SlowAgent(40)
    loop, theirs = make_loop(here.agent)
    loop.agent = here
    began = compat.ticks_ms()
    raises(KeyboardInterrupt, loop.run)
    passed_ms = compat.ticks_diff(compat.ticks_ms(), began)
    assert here.agent.encoder.sequence == 41
    intervals = 30 + 10 * 3  # ten polls took three intervals each; what fell into them is left out, not made up for
    assert passed_ms // INTERVAL_MS + 1 >= intervals
    theirs.close()


def test_loop_ends_without_links():
    loop = Loop(agent(), INTERVAL_MS)
    loop.run()
    assert loop.agent.encoder.sequence == 1


def test_frame_is_sent_between_polls():
    here = agent()
    loop, theirs = make_loop(here)
    here.poll()
    loop.wake()
    heard = b""
    while b"\n~k" not in heard or heard[-1:] != b"\n":
        loop.serve(1000)
        heard += compat.read(theirs, 4096) or b""
    assert heard.startswith(b"\n~H boot=")


def test_peer_that_goes_is_dropped_and_its_link_tried_again():
    loop, theirs = make_loop(agent())
    link = loop.links[0]
    theirs.close()
    while link.is_open():
        loop.serve(1000)
    due_ms = link.due_ms
    assert compat.ticks_diff(due_ms, compat.ticks_ms()) <= 1000
    link.tick(compat.ticks_add(due_ms, -1))
    assert link.due_ms == due_ms, "not before its time"
    link.tick(due_ms)
    assert not link.is_open()
    assert compat.ticks_diff(link.due_ms, compat.ticks_ms()) > 1000, "later and later"


def test_time_between_tries_grows_to_a_minute_until_a_host_accepts_the_board():
    here = agent()
    for count in (1, 0):  # a request for a frame, and a sign of life
        loop, theirs = make_loop(here, False)
        link = loop.links[0]
        for _ in range(20):
            link.lost()
        assert link.retry_ms == 60000
        assert compat.ticks_diff(link.due_ms, compat.ticks_ms()) <= 60000
        # A collector that refuses this board says as much before it closes the connection.
        for said in (b"", b"status", wire_host.ask_hello(), wire_host.ask_frames("0ther", 1, 1)):
            theirs.send(bytes(said) + b"\n")
            serve_all(loop)
            assert link.retry_ms == 60000, said
        theirs.send(bytes(wire_host.ask_frames(here.boot, 1, count)) + b"\n")
        serve_all(loop)
        assert link.retry_ms == 1000
        theirs.close()


class FullHeap(Conversation):
    """A peer for whose answer the heap has no room."""

    def receive(self):
        raise MemoryError


def test_answer_that_the_heap_has_no_room_for_costs_its_peer_only():
    here = agent()
    loop, theirs = make_loop(here)
    ours, full = pair()
    link = Link(loop, "full", FullHeap(here, False), opened(ours), None)
    loop.links.append(link)
    link.open()
    full.send(b"status\n")
    while link.is_open():
        loop.serve(1000)
    assert loop.links[0].is_open()
    theirs.close()


class StarvedAgent:
    """An agent that finds no room for its polls as long as anybody is connected; the third time it would end."""

    commands = None

    def __init__(self, loop):
        self.loop = loop
        self.starved = 0

    def poll(self):
        if self.starved == 0 or self.loop.links[0].is_open():
            self.starved += 1
        else:
            raise KeyboardInterrupt
        assert self.starved < 3


def test_answer_that_the_heap_has_no_room_for_does_not_end_a_line_that_flows_unasked():
    here = agent()
    loop, theirs = make_loop(here)
    conversation = loop.links[0].conversations[0]
    conversation.answers.insert(0, Full())
    here.poll()
    loop.wake()
    heard = b""
    while b"\n~k" not in heard or heard[-1:] != b"\n":
        loop.serve(1000)
        assert loop.links[0].is_open()
        heard += compat.read(theirs, 4096) or b""
    theirs.close()


class Full:
    """Lines for which the heap has no room."""

    def __iter__(self):
        return self

    def __next__(self):
        raise MemoryError


class Modest(Link):
    """A link that gives its place up when two polls found no room."""

    def polled(self, starved):
        if starved == 2:
            self.loop.drop(self.conversations[0], self)


def test_polls_that_find_no_room_end_conversations_first():
    here = agent()
    loop = Loop(None, INTERVAL_MS)
    ours, theirs = pair()
    loop.agent = StarvedAgent(loop)
    loop.links = [Modest(loop, "test", Conversation(here, False), opened(ours), None)]
    loop.links[0].open()
    raises(KeyboardInterrupt, loop.run)
    assert loop.agent.starved == 2
    theirs.close()


class NoRoom(Link):
    """A link for whose care the heap has no room."""

    def tick(self, now_ms):
        raise MemoryError


def test_link_without_room_in_the_heap_costs_no_other_link():
    here = agent()
    loop, theirs = make_loop(here)
    theirs.close()
    link = loop.links[0]
    loop.links = [NoRoom(loop, "full", Conversation(here, False), opened(None), None), link]
    while link.is_open():
        loop.serve(1000)
    due_ms = link.due_ms
    loop.tick(compat.ticks_add(due_ms, 1))
    assert link.due_ms != due_ms


def test_stream_whose_conversation_finds_no_room_is_closed_and_opened_later():
    here = agent()
    loop = Loop(here, INTERVAL_MS)
    ours, theirs = pair()
    link = Link(loop, "full", Mute(here, False), opened(ours), None)
    loop.links = [link]
    raises(MemoryError, link.open)
    assert not link.is_open()
    assert compat.read(theirs, 1) == b""
    link.opener = opened(pair()[0])
    link.conversations[0].greet = lambda: None
    link.tick(compat.ticks_add(link.due_ms, 1))
    assert link.is_open()
    theirs.close()


class Mute(Conversation):
    """A peer for whose greeting the heap has no room."""

    def greet(self):
        raise MemoryError


def test_links_are_looked_after_however_seldom_the_agent_polls():
    here = agent()
    loop = Loop(here, 86400000)
    tries = []

    def opener(_):
        tries.append(compat.ticks_ms())
        if len(tries) == 2:
            raise KeyboardInterrupt
        raise OSError(2, "")

    link = Link(loop, "gone", Conversation(here, True), opener, None)
    loop.links = [link]
    assert link.is_restless()
    raises(KeyboardInterrupt, loop.run)
    assert compat.ticks_diff(tries[1], tries[0]) >= 1000
    assert here.encoder.sequence == 1 + 1


def test_ticks_are_seldom_where_nothing_is_in_question():
    loop, theirs = make_loop(agent())
    assert not loop.links[0].is_restless()
    assert loop._until_tick(loop.ticked_ms) == TICK_MS
    loop.drop(loop.links[0].conversations[0], loop.links[0])
    assert loop._until_tick(loop.ticked_ms) == RESTLESS_TICK_MS
    theirs.close()


def test_peer_is_not_read_from_while_answers_wait():
    here = agent()
    loop, theirs = make_loop(here, flows_unasked=False)
    peer = loop.links[0].conversations[0]
    peer.say(["a line of text"] * 10)
    loop.wake()
    theirs.send(b"xyzzy\n")
    waiting = len(peer.answers)
    heard = b""
    while b"unknown: xyzzy" not in heard:
        loop.serve(1000)
        assert len(peer.answers) <= waiting, "nothing is taken in meanwhile"
        waiting = max(1, len(peer.answers))
        heard += compat.read(theirs, 4096) or b""
    assert heard.count(b"a line of text") == 10
    assert heard.find(b"unknown: xyzzy") > heard.rfind(b"a line of text")
