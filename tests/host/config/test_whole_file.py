"""Files that are no file, or have no end, are refused; pipes that end are read."""

import os
import threading
from pathlib import Path

import pytest
from buddywatch.config import secret_places, toml
from buddywatch.config.board_secrets import BoardSecrets
from buddywatch.config.link_secret import Secret
from buddywatch.config.secret_places import SecretError
from buddywatch.config.whole_file import read_whole
from runner import Runner

SHORT_S, LONG_S = 0.05, 60.0


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(path := tmp_path / "fifo", 0o600)
    return path


@pytest.fixture
def endless(fifo, tmp_path):
    """Each kind of a file without an end that is worth reading."""
    huge = tmp_path / "huge"
    huge.touch(0o600)
    os.truncate(huge, 1 << 34)
    return {"full": Path("/dev/full"), "zero": Path("/dev/zero"), "fifo": fifo, "huge": huge}


@pytest.mark.parametrize("content", [b"", b"a = 1\n", b"x" * 100_000], ids=["empty", "line", "more-than-a-pipe-holds"])
def test_a_pipe_that_ends_is_read_whole(fifo, content):
    writer = threading.Thread(target=lambda: fifo.write_bytes(content))
    writer.start()
    assert read_whole(fifo, 1 << 20, LONG_S) == content
    writer.join()


def test_a_pipe_whose_writer_has_gone_is_read_whole():
    reader, writer = os.pipe()
    os.write(writer, b"a = 1\n")
    os.close(writer)
    assert read_whole(Path(f"/dev/fd/{reader}"), 100, LONG_S) == b"a = 1\n"
    os.close(reader)


def test_a_file_may_have_as_much_as_the_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert read_whole(tmp_path / "file", 10, SHORT_S) == b"x" * 10
    with pytest.raises(OSError, match="more than 9 bytes"):
        read_whole(tmp_path / "file", 9, SHORT_S)


def test_a_pipe_that_is_not_closed_is_refused(fifo):
    keeper = os.open(fifo, os.O_RDWR)
    os.write(keeper, b"a = 1\n")
    with pytest.raises(OSError, match="no program writes its content, or ends it"):
        read_whole(fifo, 100, SHORT_S)
    os.close(keeper)


def test_nothing_is_read_from_dev_null():
    assert read_whole(Path("/dev/null"), 10, SHORT_S) == b""


@pytest.mark.parametrize("kind", ["full", "zero", "fifo", "huge"])
def test_configuration_without_an_end(endless, kind, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(toml, "WAIT_S", SHORT_S)
    buddywatch = Runner(tmp_path, capsys)
    buddywatch.config = endless[kind]
    for command in ("status", "check-config"):
        result = buddywatch(command)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert f"{endless[kind]}: cannot be read (" in result.err
        assert result.err.endswith("; name a TOML file or leave out --config\n")


@pytest.mark.parametrize("kind", ["full", "zero", "fifo", "huge"])
def test_secret_without_an_end(endless, kind, monkeypatch):
    monkeypatch.setattr(secret_places, "WAIT_S", SHORT_S)
    with pytest.raises(SecretError, match=r"cannot be read \((it has more than|no program)"):
        Secret(f"file:{endless[kind]}").read()
    with pytest.raises(SecretError, match=r"cannot be read \((it has more than|no program)"):
        BoardSecrets({"roof": endless[kind]}).key("roof")
