"""The telnet listener where the heap has no room for a connection: it costs that connection only."""

from buddyd import compat
from buddyd.links.telnet_server import CLIENTS_MAX
from places import GREETING, Place, arrived


class Starved:
    """compat.make_room() of a heap that has no room from one call on, so many times."""

    def __init__(self, first, times):
        self.first, self.end = first, first + times
        self.calls = 0
        self.before = compat.make_room

    def __enter__(self):
        compat.make_room = self

    def __exit__(self, *_):
        compat.make_room = self.before

    def __call__(self):
        self.calls += 1
        if self.first <= self.calls < self.end:
            raise MemoryError


def test_connection_without_room_in_the_heap_costs_nobody_else():
    for first in (1, 2):  # for the socket, for the poller
        for times in (1, 2, 3):
            with Place() as place:
                person = arrived(place, 1)[0]
                with Starved(first, times):
                    late = place.come()
                    place.settle()
                    assert late.has_ended == (first == 2)
                    for _ in range(times):
                        place.pass_ms(1000)
                if late.has_ended:
                    late = place.come()
                late.until(GREETING)
                person.say(b"need 1\n")
                person.until(b"need 1: ")
                assert place.link.holders.count(None) == 0


def test_listener_that_finds_no_room_is_opened_later():
    with Place() as place:
        place.link.listener.close()
        place.loop.poller.unregister(place.link.listens_at)
        place.link.listener = None
        with Starved(1, 1):
            place.loop.tick(compat.ticks_ms())
            assert not place.link.is_open()
            place.loop.tick(compat.ticks_add(compat.ticks_ms(), 2000))
        arrived(place, 1)


def test_greeting_that_fails_leaves_its_place_free():
    with Place() as place:
        for peer in place.link.conversations:
            peer.agent = Speechless()
        for _ in range(5):
            caller = place.come()
            place.settle()
            assert caller.has_ended
            place.pass_ms(1000)
        for peer in place.link.conversations:
            assert peer.stream is None
            peer.agent = place.agent
        assert place.link.holders == [None] * CLIENTS_MAX
        arrived(place, 2)


def test_conversations_end_before_the_agent_does():
    with Place(guarded=True) as place:
        owner = place.come()
        owner.prove()
        owner.until(GREETING)
        stranger = place.come()
        stranger.until(b"~S ")
        place.link.polled(0)
        place.settle()
        assert not stranger.has_ended
        place.link.polled(1)
        place.settle()
        assert (owner.has_ended, stranger.has_ended) == (False, True)
        place.link.polled(2)
        place.settle()
        assert owner.has_ended
        arrived_later = place.come()
        arrived_later.until(b"~S ")


class Speechless:
    """The agent where the heap has no room for a greeting."""

    secret = None

    def greeting(self):
        raise MemoryError
