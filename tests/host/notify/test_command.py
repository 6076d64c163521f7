"""Messages handed to real programs: small Python scripts, /bin/false, and things that cannot be started."""

import email
import email.policy
import json
import os
import signal
import sys
import threading

import pytest
from buddywatch.config.sections import Hook, Mail
from buddywatch.model.alerts import Message
from buddywatch.notify import command
from buddywatch.notify.base import Deadline, NotifyError, Parcel

MESSAGE = Message(
    subject="[buddywatch] OK xp-07: resolved after 2 h 10 min: rm can start again",
    body="rm can start again.\n",
    payload={"schema": 1, "board": "xp-07", "text": 'quotes " and \\ and \u20ac and \n'},
    message_id="<1@buddywatch.xp-07>",
)
LONG_S = 20.0  # only a test that fails waits this long


@pytest.fixture
def script(tmp_path):
    """A function that makes a command of Python source; `folder` in it is a place to leave things."""

    def make(source, *arguments):
        path = tmp_path / "script.py"
        path.write_text(f"import os, sys, time\nfrom pathlib import Path\nfolder = Path({str(tmp_path)!r})\n{source}\n")
        return (sys.executable, "-S", str(path), *arguments)

    return make


def hook(argv, payload=MESSAGE.payload, seconds=LONG_S):
    with Deadline(seconds) as deadline:
        command.send_hook(Hook("pager", argv), Message("", "", payload), deadline)


def refused(argv, **how):
    with pytest.raises(NotifyError) as caught:
        hook(argv, **how)
    assert "\n" not in str(caught.value)
    return caught.value


def test_send_mail_gives_the_whole_mail_with_unix_lines(script, tmp_path):
    argv = script(
        "(folder / 'mail').write_bytes(sys.stdin.buffer.read()); print(sys.argv[1:])", "-t", "-oi", "a b;$HOME"
    )
    with Deadline(LONG_S) as deadline:
        command.send_mail(Mail(to=("you@b",), sender="me@b", command=argv), Parcel(MESSAGE, 1763808903.0), deadline)
    raw = (tmp_path / "mail").read_bytes()
    assert b"\r" not in raw
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert (mail["To"], mail["From"], mail["Subject"]) == ("you@b", "me@b", MESSAGE.subject)
    assert mail["Message-ID"] == MESSAGE.message_id and mail.get_content() == MESSAGE.body


def test_arguments_reach_the_program_untouched_by_a_shell(script, tmp_path):
    hook(script("(folder / 'seen').write_text(repr(sys.argv[1:]))", "a b", "$HOME", ";ls", "*"))
    assert (tmp_path / "seen").read_text() == repr(["a b", "$HOME", ";ls", "*"])


def test_send_hook_gives_the_payload_as_one_line_of_json(script, tmp_path):
    hook(script("(folder / 'json').write_bytes(sys.stdin.buffer.read())"))
    raw = (tmp_path / "json").read_bytes()
    assert raw.endswith(b"}\n") and raw.count(b"\n") == 1 and raw.isascii()
    assert json.loads(raw) == MESSAGE.payload


@pytest.mark.parametrize("code", [1, 65, 69, 75, 255])
def test_every_exit_code_but_0_is_temporary_and_told(script, code):
    error = refused(script(f"sys.exit({code})"))
    assert not error.permanent and f"ended with exit code {code}" in str(error)


def test_a_program_that_only_says_no_is_named():
    assert str(refused(("/bin/false",))) == "hook pager: /bin/false ended with exit code 1"


def test_a_failure_shows_the_first_line_of_standard_error_escaped(script):
    error = refused(script(r"os.write(2, b'\nsmtp\x1b[2J down\nmore\n'); sys.exit(75)"))
    assert str(error).endswith("ended with exit code 75: smtp\\x1b[2J down")


def test_a_program_ended_by_a_signal_is_told(script):
    assert f"ended by signal {signal.SIGTERM.value}" in str(refused(script("os.kill(os.getpid(), 15)")))


@pytest.mark.parametrize("why", ["missing", "not-executable", "folder"])
def test_a_program_that_cannot_be_started_is_permanent_and_named(tmp_path, why):
    path = tmp_path / "program"
    if why == "folder":
        path.mkdir()
    elif why == "not-executable":
        path.write_text("#!/bin/sh\n")
    error = refused((str(path),))
    assert error.permanent and str(path) in str(error) and "cannot be started" in str(error)


def test_a_program_that_reads_nothing_of_a_large_message_may_succeed(script, tmp_path):
    hook(script("(folder / 'ran').touch()"), payload={"text": "x" * 1_000_000})
    assert (tmp_path / "ran").exists()


def test_a_program_that_floods_standard_error_ends_and_is_told_in_short(script):
    error = refused(script("for _ in range(200): os.write(2, b'y' * 65536)\nsys.exit(3)"))
    assert "exit code 3: yyyy" in str(error) and len(str(error)) < 400


def test_a_program_that_hangs_is_stopped_at_the_deadline(script):
    error = refused(script("time.sleep(600)"), seconds=0.3)
    assert "took longer than 0.3 s" in str(error) and not error.permanent


def test_a_program_is_stopped_with_all_it_started(script, tmp_path):
    """The child of the program holds the write end of a fifo; end of file at our end proves that it is gone."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    argv = script("if os.fork() == 0:\n held = open(folder / 'fifo', 'w')\ntime.sleep(600)")
    errors = []

    def attempt():
        with deadline, pytest.raises(NotifyError) as caught:
            command.send_hook(Hook("pager", argv), MESSAGE, deadline)
        errors.append(str(caught.value))

    deadline = Deadline(3600)
    thread = threading.Thread(target=attempt)
    thread.start()
    with fifo.open("rb") as held:  # waits for the child
        deadline.cancel()
        assert held.read() == b""
    thread.join(LONG_S)
    assert errors and "was interrupted" in errors[0]


def test_a_program_that_leaves_a_child_behind_is_not_waited_for(script, tmp_path):
    """The child keeps standard error open until the test releases it; the program has ended with 0."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    hook(script("if os.fork() == 0:\n os.setsid(); open(folder / 'fifo').read(); (folder / 'read').touch()"))
    assert not (tmp_path / "read").exists()
    fifo.write_text("go")


def test_an_attempt_cut_short_before_the_program_runs_stops_it(script):
    with Deadline(LONG_S) as deadline, pytest.raises(NotifyError, match="was interrupted"):
        deadline.cancel()
        command.send_hook(Hook("pager", script("time.sleep(600)")), MESSAGE, deadline)


def test_no_descriptor_is_left_open(script):
    argv = script("sys.exit(1)")
    refused(argv)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        refused(argv)
    assert len(os.listdir("/proc/self/fd")) <= before
