"""docs/tutorial/first-mail.md, done as a reader does it: type its commands, write its file, and get its mail."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docs_pages
import pytest
from docs_pages import DOCS, TOP, Typed
from waiting import DEADLINE_S, wait_for

PAGE = DOCS / "tutorial" / "first-mail.md"
PORT = "5555"
TYPED = [typed for typed in docs_pages.typed(PAGE) if "--config first.toml" in typed.line or "-m buddyd" in typed.line]


def typed(words: str) -> Typed:
    """The command of the page that has these words."""
    (found,) = [typed for typed in TYPED if words in typed.line]
    return found


class Reader:
    """A folder that looks like a clone, and a port that is free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("agent", "tests"):
            (folder / name).symlink_to(TOP / name)
        (folder / ".venv").mkdir()
        (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = str(server.getsockname()[1])
        self.env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        (config,) = docs_pages.blocks(PAGE, "toml")
        (folder / "first.toml").write_text(config.text.replace(PORT, self.port))

    def start(self, line: str) -> subprocess.Popen[str]:
        # `exec`, so that a signal goes to the program and not to the shell.
        before, found, last = line.replace(PORT, self.port).rpartition(" && ")
        return subprocess.Popen(
            ["sh", "-c", f"{before}{found}exec {last}"],
            cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        line = line.replace(PORT, self.port)
        return subprocess.run(
            line, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False,
            timeout=DEADLINE_S,
        )  # fmt: skip

    def mails(self) -> str:
        path = self.folder / "mails.txt"
        return path.read_text() if path.exists() else ""


def wait_until_it_listens(port: str, agent: subprocess.Popen[str]) -> None:
    def listens() -> bool:
        assert agent.poll() is None, f"the agent has ended with {agent.returncode}"
        try:
            socket.create_connection(("127.0.0.1", int(port)), timeout=DEADLINE_S).close()
        except ConnectionRefusedError:
            return False
        return True

    wait_for(listens, "the agent to listen")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    with reader.start(typed("-m buddyd").line) as agent:
        wait_until_it_listens(reader.port, agent)
        yield reader
        agent.send_signal(signal.SIGINT)


def status_of_the_same_board() -> list[str]:
    """The lines about kernel, memory and need in the status that another page shows; it is of the same files."""
    page = DOCS / "how-to" / "install-the-collector.md"
    (shown,) = [typed.output for typed in docs_pages.typed(page) if typed.line == "buddywatch status"]
    lines = [line for line in shown.splitlines() if docs_pages.ABOUT_NEED_OR_KERNEL.search(line)]
    assert len(lines) == 3
    return lines


def test_reader_gets_the_mail_that_the_tutorial_promises(reader: Reader) -> None:
    assert reader.run(typed("check-config").line).returncode == 0
    tested = typed("test-alert")
    assert reader.run(tested.line).stdout == tested.output.rstrip("\n") + "\n"
    # Without the page's `--for`, and ended when the mail is there, however long this machine takes for it.
    line = typed("collect").line.partition(" --for ")[0]
    with reader.start(line) as collector:
        wait_for(lambda: "CRIT tutorial" in reader.mails(), lambda: f"the mail; have {reader.mails()}")
        collector.send_signal(signal.SIGTERM)
        news = collector.communicate(timeout=DEADLINE_S)[0]
    for promised in (
        "CRIT tutorial",
        "needs 61440 bytes",
        "64 kB",
        "912 kB",
        "First",
        "buddywatch silence tutorial",
    ):
        assert promised in " ".join(reader.mails().split()), news
    status = reader.run(typed(" status").line)
    assert (status.returncode, status.stderr) == (1, "")
    true = {docs_pages.status_line(line) for line in status.stdout.splitlines()}
    assert {docs_pages.status_line(line) for line in status_of_the_same_board()} - true == set()
    assert "refused" in reader.run(typed(" alerts").line).stdout
    assert "need 61440: refused" in reader.run(typed("console").line).stdout
    left = {path.name.partition(".")[0] for path in reader.folder.iterdir()} - {"agent", "tests", ""}
    assert left == {"first", "mails"}  # as the page says


def test_every_command_of_the_tutorial_is_tried() -> None:
    tried = ("-m buddyd", "check-config", "test-alert", "collect", " status", " alerts", "console")
    assert len(TYPED) == len(tried)
    assert all(shlex.split(typed(words).line) for words in tried)
