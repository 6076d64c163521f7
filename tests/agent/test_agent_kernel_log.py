"""The agent and the kernel's log: events, and the reports when the log fails or has lost lines."""

from agents import agent_on, events
from buddyd.talk import answers
from harness import read
from kernel_logs import Reads, close, fifo, in_a_moment, record
from scratch import Scratch

PROC = "captures/frag-4k-bflt/proc/"


def test_kernel_log_in_a_plain_file_is_read_once_a_poll():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        path = scratch.write("kmsg", read("captures/frag-4k-bflt/kmsg.txt"))
        here = agent_on(scratch.path, "32k")
        for _ in range(5):
            here.poll()
        kinds = [event[1] for event in events(here)]
        assert "alloc" in kinds
        before = len(kinds)
        with open(path, "ab") as file:
            file.write(b"<4>[   99.120000] rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0\n")
        here.poll()
        assert [event[:3] for event in events(here)[before:]] == [(9912, "oom", 2)]


def desk_with_log(scratch):
    """An agent whose kernel log is a FIFO, and what writes into it."""
    scratch.write("buddyinfo", read(PROC + "buddyinfo"))
    log, writer = fifo(scratch)
    close(log)
    return agent_on(scratch.path), writer


def told(here):
    return [event[5] for event in events(here)]


def test_kernel_log_that_fails_is_told_once_and_again_when_it_is_back():
    with Scratch() as scratch:
        here, writer = desk_with_log(scratch)
        with Reads(here.kernel_log, [5]):
            assert not here.drain_kernel_log()
        for _ in range(3):
            here.poll()
        assert told(here) == ["lost kernel-log"]
        assert "kernel-log" in here.missing()
        in_a_moment(here.kernel_log)
        writer.write(b"<4>Allocation of length 4096 from process 1 (init) failed\n")
        for _ in range(3):
            here.poll()
        assert told(here)[1:] == ["Allocation of length 4096 from process 1 (init) failed", "back kernel-log"]
        assert "kernel-log" not in here.missing()
        close(here.kernel_log, writer)


def test_kernel_log_that_fails_at_every_read_is_told_once():
    with Scratch() as scratch:
        here, writer = desk_with_log(scratch)
        with Reads(here.kernel_log, [5] * 9):
            here.drain_kernel_log()
            for _ in range(3):
                in_a_moment(here.kernel_log)
                here.poll()
        assert told(here) == ["lost kernel-log"]
        close(here.kernel_log, writer)


def test_kernel_log_that_was_never_there_is_no_news():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        here = agent_on(scratch.path)
        here.poll()
        assert told(here) == [] and "kernel-log" in here.missing()
        assert "kernel log: %s/kmsg: no such file or device" % scratch.path in answers.status(here)
        scratch.write("kmsg", b"")
        in_a_moment(here.kernel_log)
        here.poll()
        assert told(here) == ["back kernel-log"] and "kernel-log" not in here.missing()
        assert not [line for line in answers.status(here) if line.startswith("kernel log: ")]
        close(here.kernel_log)


def test_overwritten_kernel_lines_are_told_with_the_next_snapshot():
    with Scratch() as scratch:
        here, writer = desk_with_log(scratch)
        with Reads(here.kernel_log, [record(7), 32, record(20), record(21), 32, record(23)]):
            here.drain_kernel_log()
        assert told(here) == []
        for _ in range(3):
            here.poll()
        assert told(here) == ["kernel-log: 13 lines overwritten before they were read"]
        assert events(here)[0][1] == "source"
        close(here.kernel_log, writer)


def test_kernel_log_that_is_there_goes_on():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        scratch.write("kmsg", b"")
        assert agent_on(scratch.path).drain_kernel_log()
