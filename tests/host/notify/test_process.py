"""Running a program: what is kept of its output, and how it ended."""

from buddywatch.notify import process
from buddywatch.notify.base import Deadline
from waiting import DEADLINE_S


def run(script, given=b"", **how):
    with Deadline(DEADLINE_S) as deadline:
        return process.run(["sh", "-c", script], given, deadline, **how)


def test_output_is_kept_up_to_a_bound_and_read_to_its_end():
    ended = run("yes | head -c 1000000; echo done >&2", output_max_bytes=1000)
    assert ended == process.Ended(0, b"y\n" * 500, ": done")


def test_output_that_nobody_asked_for_is_not_kept():
    assert run("echo hello").output == b""


def test_a_program_gets_its_input_and_tells_how_it_ended():
    ended = run("cat; exit 3", b"given", output_max_bytes=100)
    assert (ended.output, ended.exit_code, ended.how) == (b"given", 3, "ended with exit code 3")
    assert run("kill -9 $$").how == "was ended by signal 9"
