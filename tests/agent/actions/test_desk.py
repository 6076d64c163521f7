"""How a host gives a command: in parts, over a line that loses some; who may; and what is left of it afterwards."""

import gc
import sys

from buddyd import options, wire
from buddyd.actions.desk import NO_ROOM
from clock import Clock
from commanding import Piece, ask_line, part_lines, quit_line, serial, told, work, written
from scratch import Scratch

NUMBER = b"0000000a"


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
        assert [name for name in sys.modules if name.startswith("buddyd.actions.")] == ["buddyd.actions.commands"]
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
        before = max([in_use_after(words) for _ in range(16)])  # a block of 32 bytes more or less: what is on the stack
        after = [in_use_after(words) for _ in range(16)]
        assert min(after[8:]) <= before, (before, after)


def test_too_long_a_command_is_refused():
    here = serial()
    (refused,) = [Piece(line) for line in here.host_lines(b"rm", b"x" * 1000)][:1]
    assert (refused.kind, refused.data) == (b"n", b"the command is too long: at most 792 bytes")


def test_zero_bytes_part_words_and_cut_no_path():
    with Scratch() as scratch:
        here, kept = serial(), scratch.write("kept", b"x").encode()
        assert here.run(b"\0\0\0") == (b"", b": applet not found\n", 1)
        assert here.run(b"ls\0", kept) == (kept + b"\n", b"ls: : No such file or directory\n", 1)
        assert here.run(b"rm", kept + b"2\0" + kept + b"3")[1].count(b"can't remove") == 2
        assert here.run(b"write", kept + b"2\0a\0", b"b") == (b"", b"", 0)
        assert (written(kept), written(kept + b"2")) == (b"x", b"a  b\n")


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


def test_options_of_allow():
    assert options.check({})["allow"] == ()
    assert options.check({"allow": "reboot, files"})["allow"] == ("files", "reboot")
    try:
        options.check({"allow": "everything"})
    except options.OptionError as error:
        assert "files, processes, tuning, reboot" in str(error)
    else:
        raise AssertionError("not refused")


def test_heap_that_was_full_for_a_moment_ends_no_command():
    """As when the kernel reports the failure for which somebody gives the command."""
    with Scratch() as scratch:
        here, path = serial(), scratch.write("a", b"x").encode()
        here.agent.leave_out()
        number = here.send(b"rm", path)
        here.agent.leave_out()
        assert here.rest(number) == (b"", b"", 0)
        assert written(path) is None


def test_command_is_given_up_for_a_poll_that_finds_no_room():
    with Scratch() as scratch:
        here = serial()
        number = here.send(b"cat", scratch.write("a", bytes(1000)).encode())
        here.ask(number, 0)
        here.agent.starved = 1
        work(here.agent)
        assert here.agent.commands.desk is None
        here.agent.starved = 0
        assert here.ask(number, 1).kind == b"g"


class Full:
    """In place of a command's steps, or of what starts them: the heap has no room."""

    def __init__(self, first=()):
        self.first = list(first)

    def __iter__(self):
        return self

    def __next__(self):
        if self.first:
            return self.first.pop(0)
        raise MemoryError

    def __call__(self, *_):
        raise MemoryError

    def close(self):
        pass


def test_command_for_which_the_heap_has_no_room_fails_and_says_so():
    with Scratch() as scratch:
        here, path = serial(), scratch.write("a", b"x").encode()
        number = here.send(b"cat", path)
        here.agent.commands.desk.command.steps = Full((b"half",))
        assert here.rest(number) == (b"half", NO_ROOM[1], 1)
        assert told(here.agent)[-1][0] == 1
        assert here.agent.left_out == 1


def test_command_that_cannot_be_loaded_fails_and_is_not_done_later():
    with Scratch() as scratch:
        here, path = serial(), scratch.write("a", b"x").encode()
        here.run(b"ls", path)
        table = sys.modules["buddyd.actions.table"]  # it is unloaded and loaded again
        start, table.start = table.start, Full()
        try:
            number = here.send(b"rm", path)
        except MemoryError:  # the loop ends no line for it
            number = b"%08x" % here.count
        table.start = start
        assert here.rest(number) == (b"", NO_ROOM[1], 1)
        assert written(path) == b"x"


def test_piece_for_which_the_heap_has_no_room_is_made_again():
    with Scratch() as scratch:
        here = serial()
        number = here.send(b"cat", scratch.write("a", b"text").encode())
        command, made = here.agent.commands.desk.command, []
        make = command._make

        def once_full(kind, data):
            made.append(kind)
            if len(made) == 1:
                raise MemoryError
            make(kind, data)

        command._make = once_full
        assert here.rest(number) == (b"text", b"", 0)
        assert made == [b"o", b"o", b"d"]
