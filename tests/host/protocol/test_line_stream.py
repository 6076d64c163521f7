import pytest
from buddyd import wire, wire_host
from buddywatch.protocol.board_names import board_name
from buddywatch.protocol.frame import Frame, GapReport, Hello
from buddywatch.protocol.line_stream import LINE_KEPT, WAITING_MAX, LinkSession, Text
from hypothesis import given
from hypothesis import strategies as st

BOOT = "0123abcd"
OTHER = "fedc4321"


def frames(boot=BOOT, count=3, start=1):
    """`count` real lines from frame number `start` on, and what they should come out as."""
    encoder = wire.Encoder(boot, 4, 500, 4096)
    encoder.sequence = start
    lines = []
    for i in range(count):
        if i % 5 == 4:
            encoder.event(b"%d|page|2||init|init: page allocation failure ~d|~" % i, lines.append)
        else:
            encoder.snapshot([1000 + 500 * i, i % 3, 7, 1], lines.append)
    return lines, [Frame(boot, start + i, line[1:2], line[4:-5]) for i, line in enumerate(lines)]


def hello(boot=BOOT, **facts):
    (line,) = wire.hello_lines(boot, list(facts.items()))
    return line + b"\n"


def greeted(next="1", boot=BOOT):
    session = LinkSession()
    assert session.feed(hello(boot, next=next)) == [Hello(boot, {"next": next})]
    return session


(LINE, *_), (FRAME, *_) = frames()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (LINE + b"\n", [FRAME]),
        (LINE + b"\r\n", [FRAME]),
        (LINE + b"\n\r" + b"ok\n\r", [FRAME, Text("ok")]),
        (b"/ # " + LINE + b"\n", [Text("/ # "), FRAME]),
        (b"~ ~d ~H ~" + LINE + b"\n", [Text("~ ~d ~H ~"), FRAME]),
        (LINE + LINE + b"\n", [FRAME, FRAME]),
        (LINE + b"\r" + LINE + b"\n", [FRAME, FRAME]),
        (LINE[:9] + b"\n" + LINE + b"\n", [Text(LINE[:9].decode()), FRAME]),
        (b"<4>rm: page allocation failure\n", [Text("<4>rm: page allocation failure")]),
        (b"\xff\x00caf\xc3\xa9\n", [Text("\\xff\x00café")]),
        (b"\n\r\n \t\r\n\x00\r\n", []),
        (b"\x1c\n", []),
        (wire_host.ask_frames(BOOT, 1, 32) + b"\r\n", []),
        (b"/ # " + wire_host.ask_hello() + b"\n", [Text("/ # ")]),
        (b"root@board\n", [Text("root@board")]),
        (wire.gap_line(BOOT, 3, 9) + b"\n", [GapReport(BOOT, 3, 9)]),
        (wire.seal(b"~G 0123abcd 3 nine ") + b"\n", [Text(wire.seal(b"~G 0123abcd 3 nine ").decode())]),
        (wire.seal(b"~H boot=123 ") + b"\n", [Text(wire.seal(b"~H boot=123 ").decode())]),
        (wire.seal(b"~H boot=\xff ") + b"\n", [Text(wire.seal(b"~H boot=\xff ").decode("utf-8", "backslashreplace"))]),
        (wire.seal(b"~H boot=0123abcd name=a~H~b ") + b"\n", [Hello(BOOT, {"name": "a~H~b"})]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_feed_tells_frames_from_text(data, expected):
    assert greeted().feed(data) == expected


@given(st.integers(1, 30000), st.lists(st.integers(1, 60), max_size=40))
def test_chunks_make_no_difference(start, sizes):
    lines, expected = frames(count=12, start=start)
    data = hello(next=str(start)) + b"".join(b"/ # %s\r\n" % line for line in lines)
    session, got = LinkSession(), []
    for size in sizes:
        got += session.feed(data[:size])
        data = data[size:]
    got += session.feed(data)
    assert [item for item in got if isinstance(item, Frame)] == expected
    assert [item.text for item in got if isinstance(item, Text)] == ["/ # "] * len(lines)


@pytest.mark.parametrize("start", [1, 4000, 8095, 8101, 123456], ids=str)
def test_the_whole_number_is_found_near_the_live_position(start):
    lines, expected = frames(start=start)
    assert greeted(next=str(start)).feed(b"\n".join(lines) + b"\n") == expected


def test_frames_far_from_the_live_position_are_found_where_they_were_asked_for():
    session = greeted(next="100000")
    lines, expected = frames(start=20000, count=40)
    session.expect(20000)
    assert session.feed(b"\n".join(lines) + b"\n") == expected
    assert session.damaged == 0


def test_a_frame_of_another_boot_or_8100_frames_away_is_not_accepted():
    session = greeted()
    for lines in (frames(OTHER)[0], frames(start=8101 + 8100)[0]):
        session.feed(b"\n".join(lines) + b"\n")
    items = session.close()
    assert [type(item) for item in items] == [Text] * 6
    assert session.damaged == 6


def test_frames_that_come_before_the_hello_are_kept_for_it():
    session = LinkSession()
    lines, expected = frames(start=700)
    assert session.feed(b"\n".join(lines) + b"\n") == []
    assert session.wants_hello
    assert session.has_unverified
    assert session.feed(hello(name="b")) == [*expected, Hello(BOOT, {"name": "b"})]
    assert not session.has_unverified
    assert not session.wants_hello


def test_frames_far_along_wait_until_a_later_line_of_the_hello_tells_the_position():
    session = LinkSession()
    lines, expected = frames(start=70000)
    assert session.feed(b"\n".join(lines) + b"\n" + hello(name="b")) == [Hello(BOOT, {"name": "b"})]
    assert session.feed(hello(next="70003")) == [*expected, Hello(BOOT, {"next": "70003"})]


def test_frames_of_an_agent_that_started_anew_are_kept_until_its_hello():
    session = greeted()
    session.feed(LINE + b"\n")
    lines, expected = frames(OTHER)
    assert session.feed(b"\n".join(lines) + b"\n") == []
    assert session.wants_hello
    assert session.feed(hello(OTHER, next="4"))[:-1] == expected
    assert session.boot_id == OTHER
    assert session.damaged == 0


def test_only_so_many_frames_wait_and_the_oldest_become_text():
    session = LinkSession()
    lines, expected = frames(count=WAITING_MAX + 10)
    items = session.feed(b"\n".join(lines) + b"\n")
    assert [item.text for item in items] == [line.decode() for line in lines[:10]]
    assert session.damaged == 10
    assert session.feed(hello())[:-1] == expected[10:]


def test_a_damaged_frame_is_counted_and_kept_as_text():
    session = greeted()
    lines, expected = frames()
    damaged = lines[1].replace(lines[1][6:7], b"!")
    assert session.feed(b"%s\n%s\n%s\n" % (lines[0], damaged, lines[2])) == [
        expected[0],
        Text(damaged.decode()),
        expected[2],
    ]
    assert session.damaged == 1


def test_a_flood_without_a_newline_is_survived_in_bounded_memory():
    session = greeted()
    texts = []
    for _ in range(1024):
        texts += session.feed(b"x" * 1024)
        assert len(session._line) <= LINE_KEPT
    texts += session.feed(b"x" * 2_000_000)
    assert [item.text for item in texts] == ["x" * len(texts[0].text)]
    assert session.dropped_bytes > 2_900_000
    items = session.feed(b"y" + LINE + b"\n" + LINE + b"\n")
    assert items[-2:] == [FRAME, FRAME]
    assert items[0].text.endswith("xxy")
    assert session.feed(b"next\n") == [Text("next")]


def test_what_is_unfinished_is_told_when_the_connection_ends():
    session = greeted()
    assert session.feed(b"board login: ") == []
    assert session.close() == [Text("board login: ")]
    assert session.close() == []


PIECES = st.sampled_from([b"\n", b"~", b"~d!!", b"~H boot=", LINE, hello()])
NOISE = st.lists(st.binary(max_size=40) | PIECES, max_size=60)


@given(NOISE)
def test_any_bytes_are_taken_and_nothing_invented(chunks):
    session, items = LinkSession(), []
    for chunk in chunks:
        items += session.feed(chunk)
    items += session.close()
    assert {item for item in items if isinstance(item, Frame)} <= {FRAME}
    assert all(item.text.strip() and "\n" not in item.text for item in items if isinstance(item, Text))


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 60), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_damage_makes_a_wrong_frame(damages):
    lines, expected = frames(count=40)
    for number, at, value in damages:
        line = bytearray(lines[number])
        line[at % len(line)] = value
        lines[number] = bytes(line)
    session = greeted()
    items = session.feed(b"\n".join(lines) + b"\n") + session.close()
    got = [item for item in items if isinstance(item, Frame)]
    assert [frame for frame in expected if frame in got] == got
    whole = {number for number in range(40)} - {number for number, _, _ in damages}
    assert {frame.seq - 1 for frame in got} >= whole


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xport-12.lab_2", "xport-12.lab_2"),
        ("../etc/pass wd", ".._etc_pass_wd"),
        ("\x1b[2Jcafé", "__2Jcaf_"),
        ("", "board"),
        ("n" * 100, "n" * 64),
    ],
    ids=repr,
)
def test_board_name_is_safe_whatever_was_sent(name, expected):
    assert board_name({"name": name}) == expected


def test_board_name_of_a_hello_without_one():
    assert board_name({}) == "board"


def test_echo_of_any_request_is_no_text():
    """The mark of a request is a digit as well: one check in twenty has it."""
    lines = [wire_host.ask_frames(BOOT, first, 32) for first in range(1, 300)]
    assert any(line.rfind(wire.ASK) > 0 for line in lines)
    session = LinkSession()
    assert [item for line in lines for item in session.feed(line + b"\r\n")] == []


def test_second_frame_of_an_unknown_boot_asks_for_a_hello():
    """The first one may be late, over this link, of the boot before."""
    session = greeted()
    first, second, _ = frames(OTHER)[0]
    session.feed(first + b"\n")
    assert not session.wants_hello
    session.feed(second + b"\n")
    assert session.wants_hello
