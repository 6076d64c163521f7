"""One conversation over a real stream: requests, live frames, backlog, gaps."""

from agents import Host, agent
from buddyd import wire, wire_host
from buddyd.talk.conversation import ASK_COUNT_MAX, HELLO_EVERY, LIVE_LAG_MAX, Conversation
from harness import raises

TELNET, SERIAL = False, True  # flows unasked?


def poll(agent, times):
    for _ in range(times):
        agent.poll()


def hello_of(lines):
    facts = {}
    for line in lines:
        if line[:2] == b"~H":
            facts.update(wire_host.parse_facts(wire.unseal(line)))
    return facts


def test_person_is_greeted_and_nothing_flows():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 3)
    assert host.listen() == [b"buddyd 0.1.0 on xport-07. Type help."]
    poll(here, 3)
    assert host.listen() == []


def test_hello_is_answered_and_live_frames_begin():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 3)
    host.listen()
    host.say(wire_host.ask_hello() + b"\n")
    facts = hello_of(host.listen())
    assert facts["boot"] == here.boot
    assert (facts["oldest"], facts["next"], facts["key"]) == ("1", "4", "1")
    poll(here, 2)
    assert host.frames() == [4, 5]


def test_frames_are_sent_again_as_they_were():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 5)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 2, 3) + b"\r\n")
    lines = host.listen()
    assert lines == [bytes(here.ring.line(here.ring.locate(sequence))) for sequence in (2, 3, 4)]


def test_frames_that_do_not_exist_are_not_waited_for():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 3)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 3, 100) + b"\n")
    assert host.frames() == [3]
    host.say(wire_host.ask_frames(here.boot, 1000, 5) + b"\n")
    host.say(wire_host.ask_frames(here.boot, 1, 0) + b"\n")
    assert host.frames() == []


def test_overwritten_frames_are_told_by_one_gap():
    here = agent()
    host = Host(Conversation(here, TELNET))
    while here.ring.dropped == 0:
        here.poll()
    host.listen()
    oldest = here.ring.oldest
    for first, count, last, frames in (
        (1, 3, oldest - 1, []),
        (1, oldest - 1, oldest - 1, []),
        (oldest - 1, 1, oldest - 1, []),
        (2, oldest + 1, oldest - 1, [oldest, oldest + 1, oldest + 2]),
    ):
        host.say(wire_host.ask_frames(here.boot, first, count) + b"\n")
        lines = host.listen()
        assert wire.parse_numbers(wire.unseal(lines[0])) == (here.boot, first, last)
        assert [wire_host.candidate_sequence(line, oldest) for line in lines[1:]] == frames
    host.say(wire_host.ask_frames(here.boot, oldest, 1) + b"\n")
    assert host.frames(oldest) == [oldest]
    host.say(wire_host.ask_frames(here.boot, 1, 0) + b"\n")
    assert host.listen() == []


def test_frames_overwritten_while_they_are_sent_again_are_left_out():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 30)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 1, 30) + b"\n")
    while here.ring.oldest <= 15:
        here.poll()
    oldest, live = here.ring.oldest, list(range(31, here.ring.next))
    assert sorted(host.frames(oldest)) == sorted(set(live[-1:] + list(range(oldest, 31))))


def test_another_boot_is_answered_by_a_hello():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 3)
    host.listen()
    host.say(wire_host.ask_frames("00000000", 1, 3) + b"\n")
    lines = host.listen()
    assert hello_of(lines)["boot"] == here.boot
    assert [line for line in lines if line[:2] != b"~H"] == []


def test_request_is_for_a_bounded_count():
    here = agent(ring="64k")
    host = Host(Conversation(here, TELNET))
    poll(here, ASK_COUNT_MAX + 50)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 10, 1000000) + b"\n")
    assert host.frames(500) == list(range(10, 10 + ASK_COUNT_MAX))


def test_new_request_takes_the_place_of_the_one_before():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 9)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 1, 9) + b"\n" + wire_host.ask_frames(here.boot, 7, 2) + b"\n")
    assert host.frames() == [7, 8]


def test_live_frames_go_before_a_backlog():
    here = agent()
    peer = Conversation(here, TELNET)
    host = Host(peer)
    poll(here, 9)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 1, 9) + b"\n")
    peer.send()
    peer.send()
    here.poll()
    assert host.frames() == [1, 2, 10, 3, 4, 5, 6, 7, 8, 9]


def test_host_that_asks_and_falls_behind_gets_the_newest():
    here = agent()
    host = Host(Conversation(here, TELNET))
    host.say(wire_host.ask_hello() + b"\n")
    host.listen()
    poll(here, LIVE_LAG_MAX)
    assert host.frames() == list(range(1, LIVE_LAG_MAX + 1))
    poll(here, LIVE_LAG_MAX + 1)
    assert host.frames() == [2 * LIVE_LAG_MAX + 1]


def test_line_flows_unasked_from_the_first_frame_held():
    here = agent()
    poll(here, 3)
    host = Host(Conversation(here, SERIAL))
    poll(here, 20)
    lines = host.listen()
    assert lines[0] == b""
    assert hello_of(lines)["next"] == "4"
    assert [wire_host.candidate_sequence(line, 1) for line in lines[1:] if line[:2] != b"~H"] == list(range(1, 24))


def test_line_that_is_back_goes_on_where_it_stopped():
    here = agent()
    peer = Conversation(here, SERIAL)
    poll(here, 3)
    first = Host(peer)
    assert first.frames_after_newline() == [1, 2, 3]
    first.close()
    poll(here, 2)
    second = Host(peer)
    assert second.frames_after_newline() == [4, 5]


def test_line_that_was_dead_too_long_begins_at_the_oldest_held():
    here = agent()
    peer = Conversation(here, SERIAL)
    poll(here, 1)
    Host(peer).close()
    while here.ring.dropped == 0:
        here.poll()
    frames = Host(peer).frames_after_newline(here.ring.oldest)
    assert frames == list(range(here.ring.oldest, here.ring.next))


def test_line_says_hello_now_and_then():
    here = agent(ring="32k")
    peer = Conversation(here, SERIAL)
    host = Host(peer)
    poll(here, 2 * HELLO_EVERY + 10)
    lines = host.listen()
    before = [0]  # frames before each hello
    for line in lines[1:]:
        if line[:2] == b"~H" and b" next=" in line:
            before.append(0)
        elif line[:2] != b"~H":
            before[-1] += 1
    assert before == [0, HELLO_EVERY, HELLO_EVERY, 10]


def test_line_says_no_hello_where_somebody_asks():
    here = agent(ring="32k")
    host = Host(Conversation(here, SERIAL))
    hellos = 0
    for _ in range(5):
        poll(here, HELLO_EVERY - 1)
        hellos += sum([b" next=" in line for line in host.listen()])
        host.say(wire_host.ask_frames(here.boot, 1, 0) + b"\n")
    assert hellos == 1  # the first


def test_sign_of_life_takes_nothing_back():
    here = agent()
    host = Host(Conversation(here, TELNET))
    poll(here, 9)
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 1, 3) + b"\n" + wire_host.ask_frames(here.boot, 1, 0) + b"\n")
    assert host.frames() == [1, 2, 3]


def fail(here):
    """The kernel says so; the number of the event."""
    here._kernel_line("Allocation of length 61440 from process 6821 (rm) failed", 100)
    return here.ring.next - 1


def test_kernel_failure_goes_before_live_frames_and_only_once():
    here = agent(ring="32k")
    poll(here, 20)
    failed = fail(here)
    poll(here, 20)
    host = Host(Conversation(here, SERIAL))
    assert host.frames_after_newline() == [failed] + [n for n in range(1, 42) if n != failed]
    poll(here, 2)
    assert host.frames() == [42, 43]


def test_kernel_failure_that_is_soon_due_waits_for_its_turn():
    here = agent()
    poll(here, LIVE_LAG_MAX - 1)
    fail(here)
    host = Host(Conversation(here, SERIAL))
    assert host.frames_after_newline() == list(range(1, LIVE_LAG_MAX + 1))


def test_kernel_failure_before_a_host_came_goes_before_the_backlog():
    here = agent()
    poll(here, 3)
    failed = fail(here)
    poll(here, 3)
    host = Host(Conversation(here, TELNET))
    host.listen()
    host.say(wire_host.ask_frames(here.boot, 1, 3) + b"\n")
    assert host.frames() == [failed, 1, 2, 3]
    host.say(wire_host.ask_frames(here.boot, failed, 1) + b"\n")
    assert host.frames() == [failed]


def test_newest_of_two_kernel_failures_goes_first():
    here = agent()
    failed = fail(here)
    poll(here, 12)
    newest = fail(here)
    host = Host(Conversation(here, SERIAL))
    assert host.frames_after_newline() == [newest] + list(range(1, newest))
    assert failed == 1


def test_kernel_failure_that_is_overwritten_is_let_go():
    here = agent()
    fail(here)
    while here.ring.oldest == 1:
        here.poll()
    host = Host(Conversation(here, TELNET))
    host.listen()
    host.say(wire_host.ask_frames(here.boot, here.ring.next - 1, 1) + b"\n")
    assert host.frames(here.ring.next) == [here.ring.next - 1]


def test_news_of_the_agent_itself_do_not_hurry():
    here = agent()
    poll(here, 12)
    here._news("lost meminfo")
    host = Host(Conversation(here, SERIAL))
    assert host.frames_after_newline() == list(range(1, 14))


def test_slow_stream_gets_whole_lines_in_order():
    here = agent(ring="32k")
    peer = Conversation(here, SERIAL)
    host = Host(peer)
    peer.stream.setsockopt(1, 7, 1)  # SOL_SOCKET, SO_SNDBUF: the least there is
    poll(here, 600)
    for _ in range(3000):
        peer.send()
    assert peer.wants_write(), "the stream must be full for this test"
    assert host.frames_after_newline(300) == list(range(1, 601))


def test_end_of_the_stream_is_an_error():
    here = agent()
    peer = Conversation(here, TELNET)
    host = Host(peer)
    host.stream.close()
    raises(OSError, peer.receive)


def test_stream_with_nothing_to_read_is_no_error():
    host = Host(Conversation(agent(), TELNET))
    host.conversation.receive()
    assert len(host.listen()) == 1
