import os
import subprocess
import sys

import pytest
from buddywatch.links.base import LinkError
from buddywatch.links.urls import open_link
from linktools import read_to_the_end, read_until, same_descriptors


def test_file_is_read_to_its_end_and_not_again(tmp_path):
    path = tmp_path / "a stream"
    path.write_bytes(b"~line\n" * 50_000)
    with same_descriptors():
        link = open_link(f"file:{path}")
        link.start()
        assert link.up
        assert not link.takes_requests
        assert link.fileno() is None  # can be read at any time
        came, down = read_to_the_end(link)
        assert came == b"~line\n" * 50_000
        assert down.ended
        assert not link.up
        assert link.read() == b""


def test_file_takes_what_is_written_and_forgets_it(tmp_path):
    path = tmp_path / "stream"
    path.write_bytes(b"~line\n")
    link = open_link(f"file:{path}")
    link.start()
    assert link.write(b"@h\n") == 3
    link.close()
    link.close()
    assert path.read_bytes() == b"~line\n"


@pytest.mark.parametrize(("name", "expected"), [("missing", "no such file"), ("", "a folder")])
def test_file_that_cannot_be_read_is_told(tmp_path, name, expected):
    with same_descriptors(), pytest.raises(LinkError, match=expected) as raised:
        open_link(f"file:{tmp_path}/{name}").start()
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pipe_is_waited_for(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with same_descriptors():
        link = open_link(f"file:{path}")
        link.start()
        assert link.fileno() is not None
        assert link.read() == b""  # nobody has opened the other end yet
        with path.open("wb", buffering=0) as writer:
            assert link.read() == b""
            writer.write(b"one\n")
            assert read_until(link, bool) == b"one\n"
            assert link.read() == b""
        assert read_to_the_end(link)[1].ended


READ_STDIN = """
import os, sys
from buddywatch.links.base import LinkDown
from buddywatch.links.urls import open_link
link = open_link("-")
before = os.get_blocking(0)
link.start()
came = b""
try:
    while True:
        came += link.read()
except LinkDown as down:
    print(len(came), down.ended, os.get_blocking(0) == before, link.up, os.fstat(0).st_nlink >= 0)
"""


@pytest.mark.parametrize("how", ["pipe", "file"])
def test_standard_input_is_read_to_its_end_and_left_open(tmp_path, how):
    data = b"~line\n" * 20_000
    path = tmp_path / "stream"
    path.write_bytes(data)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with path.open("rb") as stdin:
        given = {"input": data} if how == "pipe" else {"stdin": stdin}
        ran = subprocess.run(
            [sys.executable, "-c", READ_STDIN], env=environment, capture_output=True, check=True, timeout=60, **given
        )
    assert ran.stdout.split() == [b"120000", b"True", b"True", b"False", b"True"]


def test_standard_input_that_is_closed_is_told():
    program = "from buddywatch.links.urls import open_link\nopen_link('-').start()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "import os; os.close(0)\n" + program]
    ran = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert b"LinkError: -: bad file descriptor" in ran.stderr.lower().replace(b"linkerror", b"LinkError")
