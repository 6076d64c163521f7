"""Which clients get a place at the telnet listener, which must give it up, and that none keeps the owner out."""

from buddyd import compat, wire_host
from buddyd.links.network import IDLE_MS, LINES_A_SECOND, PROVE_MS, STALLED_MS, WATCH_MS
from buddyd.links.telnet_server import (
    ACCEPTS_A_SECOND,
    BUSY,
    BUSY_MS,
    CLIENTS_MAX,
    SILENT_MS,
    WAITING_MAX,
    YOUNG_MS,
)
from places import GREETING, Place, arrived

ASK = wire_host.ask_hello() + b"\n"
NEEDED = b"closed: a collector needs this place\r\n"


def test_idle_strangers_do_not_keep_the_owner_out():
    for strangers in range(1, 8):
        with Place(guarded=True) as place:
            for _ in range(strangers):
                place.come()
                place.settle()
                place.pass_ms(YOUNG_MS)
            owner = place.come()
            owner.prove()
            owner.until(GREETING)
            owner.say(b"need 1\n")
            owner.until(b"need 1: ")
            assert not owner.has_ended


def test_strangers_who_come_again_at_once_do_not_keep_the_owner_out():
    with Place(guarded=True) as place:
        strangers = [place.come() for _ in range(CLIENTS_MAX)]
        place.settle()
        owner = place.come()
        place.settle()
        for _ in range(3):  # a second between challenge and proof is slow
            for i in range(len(strangers)):
                if strangers[i].has_ended:
                    strangers[i] = place.come()
            place.pass_ms(400)
        owner.prove()
        owner.until(GREETING)
        assert place.link.holders.count(None) == CLIENTS_MAX - 1  # no stranger holds a place


def test_young_connection_is_not_displaced_and_the_oldest_is_first():
    with Place(guarded=True) as place:
        callers = []
        for _ in range(CLIENTS_MAX + WAITING_MAX):
            callers.append(place.come())
            callers[-1].until(b"~S ")
            place.pass_ms(300)
        late = place.come()
        place.settle()
        assert [caller.has_ended for caller in callers] == [False] * len(callers)
        assert late.heard == b""
        place.pass_ms(YOUNG_MS)
        late.until(b"~S ")
        assert [caller.has_ended for caller in callers] == [True] + [False] * (len(callers) - 1)
        assert b"closed: somebody else came, and no secret was proven in time\r\n" in callers[0].heard


def test_proven_clients_stay_whoever_comes():
    with Place(guarded=True) as place:
        owners = [place.come() for _ in range(CLIENTS_MAX)]
        for owner in owners:
            owner.prove()
            owner.until(GREETING)
            owner.say(ASK)
        for _ in range(5):
            place.pass_ms(YOUNG_MS)
            place.come()
            place.settle()
        for owner in owners:
            owner.say(b"need 1\n")
            owner.until(b"need 1: ")
        assert [owner.has_ended for owner in owners] == [False] * CLIENTS_MAX


def test_talking_does_not_extend_the_time_for_the_proof():
    with Place(guarded=True) as place:
        stranger = place.come()
        for _ in range(PROVE_MS // 1000 - 1):
            stranger.say(b"x\n\n")
            place.pass_ms(1000)
            assert not stranger.has_ended
        place.pass_ms(2000)
        assert stranger.has_ended
        assert stranger.heard.endswith(b"nothing heard for 30 s: closed\r\n")


def test_one_too_many_is_told_so_and_disconnected():
    with Place() as place:
        persons = arrived(place, CLIENTS_MAX)
        third = place.come()
        third.until(BUSY.encode())
        place.pass_ms(BUSY_MS - 1000)
        assert not third.has_ended, "it may be a collector"
        for _ in range(3):
            third.say(b"\n")
            place.pass_ms(1000)
        assert third.has_ended and third.heard == BUSY.encode() + b"\r\n"
        third = place.come()
        third.until(BUSY.encode())
        third.say(b"status\n")
        assert third.has_ended
        assert [person.has_ended for person in persons] == [False] * CLIENTS_MAX


def test_collector_takes_the_place_of_the_person_who_was_silent_longest():
    with Place() as place:
        first, second = arrived(place, 2)
        first.say(b"\n")
        collector = place.come()
        collector.say(b"\n" + ASK)
        collector.until(b" next=")
        assert second.has_ended and second.heard.endswith(NEEDED)
        assert not first.has_ended
        other = place.come()
        other.say(ASK)
        other.until(b" next=")
        assert first.has_ended and not collector.has_ended


def test_damaged_request_displaces_nobody():
    with Place() as place:
        persons = arrived(place, 2)
        third = place.come()
        third.say(b"@h xxxxx\n")
        assert third.has_ended
        assert [person.has_ended for person in persons] == [False, False]


def test_collector_gives_its_place_up_only_when_it_is_silent_for_long():
    with Place() as place:
        collectors = arrived(place, 2)
        for collector in collectors:
            collector.say(ASK)
        third = place.come()
        place.settle()
        assert third.has_ended and third.heard == BUSY.encode() + b"\r\n"
        place.pass_ms(SILENT_MS - 10000)
        collectors[1].say(b"@\n")
        place.pass_ms(20000)
        successor = place.come()
        successor.say(ASK)
        successor.until(b" next=")
        assert [collector.has_ended for collector in collectors] == [True, False]


def test_place_is_free_again_when_its_client_goes():
    with Place() as place:
        first, second = arrived(place, 2)
        first.stream.close()
        place.callers.remove(first)
        place.settle()
        third = place.come()
        third.until(GREETING)
        second.say(b"need 1\n")
        second.until(b"need 1: ")
        assert place.link.holders.count(None) == CLIENTS_MAX - 2


def test_watch_ends_after_an_hour_and_not_before():
    with Place() as place:
        person = arrived(place, 1)[0]
        person.say(b"watch\n")
        place.pass_ms(IDLE_MS + 20000)
        assert not person.has_ended
        place.pass_ms(WATCH_MS - IDLE_MS)
        assert person.has_ended
        assert person.heard.endswith(b"nothing heard for 3600 s: closed\r\n")


def test_rate_holds_after_weeks():
    """Ticks of 32 bits, compared after more than six days, say that a second is not over for as long again."""
    with Place() as place:
        person = arrived(place, 1)[0]
        for _ in range(8 * 24 * 7):
            person.say(b"\n")
            place.pass_ms(IDLE_MS * 3 // 8)
        for _ in range(3):
            for number in range(LINES_A_SECOND):
                person.say(b"need %d\n" % (number + 1))
                person.until(b"need %d: " % (number + 1))
            assert b"too fast" not in person.heard
            person.heard = b""
            place.pass_ms(1000)


def test_client_that_takes_nothing_for_two_minutes_is_dropped():
    with Place() as place:
        collector = arrived(place, 1)[0]
        collector.say(ASK)
        place.callers.remove(collector)  # it does not read any more
        peer = place.link.holders[0]
        collector.stream.setsockopt(1, 8, 1)  # SOL_SOCKET, SO_RCVBUF: the least there is
        peer.stream.setsockopt(1, 7, 1)  # SO_SNDBUF
        while not peer.wants_write() or not stuck(place, peer):
            place.agent.poll()
        for _ in range(3):
            place.pass_ms(STALLED_MS // 4)
            assert peer.stream is not None
            try:
                collector.stream.send(b"@\n")
            except OSError:
                pass
        place.pass_ms(STALLED_MS // 4 + 11000)
        assert peer.stream is None
        collector.stream.close()


def stuck(place, peer):
    """Whether the client's kernel takes nothing more."""
    for _ in range(50):
        out, sent, live = peer.out, peer.sent, peer.live
        place.turn(2)
        if (out, sent, live) != (peer.out, peer.sent, peer.live):
            return False
    return True


def test_client_that_takes_little_by_little_stays():
    with Place() as place:
        collector = arrived(place, 1)[0]
        collector.say(ASK)
        peer = place.link.holders[0]
        for _ in range(4):
            peer.say(["a line of text"] * 3)
            peer.send()
            assert peer.wants_write()
            for _ in range(10):  # seconds in which it takes nothing
                place.clock.pass_ms((STALLED_MS - 20000) // 10)
                place.loop.tick(compat.ticks_ms())
            place.settle()
            collector.say(b"@\n")
        assert not collector.has_ended


def test_flood_of_connections_is_held_to_a_rate():
    with Place() as place:
        came = 0
        for _ in range(ACCEPTS_A_SECOND + 2):  # more would wait for the kernel
            caller = place.come()
            place.settle()
            came += len(caller.heard) > 0
            caller.stream.close()
            place.callers.remove(caller)
            place.settle()
        assert came == ACCEPTS_A_SECOND
        assert place.link.is_restless()
        place.pass_ms(1000)
        place.come().until(GREETING)
        place.pass_ms(2000)
        assert not place.link.is_restless()
