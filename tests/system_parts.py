"""A whole set-up for the tests of the system: a played board, a real agent, its lines, a collector as a process.

Nothing here decides by time: everything waits for a condition, as long as a machine under load may need.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import stage
import story
from buddywatch.store.store import Store, StoreError
from runner import ENV, Result
from smtp_server import ReceivedMail, SmtpServer
from system_truth import ORDERS, Record, check, has
from waiting import DEADLINE_S, wait_for

INTERVAL_S = 0.04
BOARD = "xport"  # the name of story.Board
LOGIN = ("alerts", "open sesame")

Command = tuple[list[str], dict[str, str]]  # how to start buddyd, as scripts/rig.py has it
_WARNING_OF_RM = re.compile(r"\brm (can no longer|can only just|could not) start\b")

NEED_RM = """
[[need]]
name = "rm"
bytes = 61440
exec = true

[alert]
batch = 0
"""


def buddywatch(db: Path, config: Path, *arguments: str, **options: Any) -> Result:
    """One command, run to its end."""
    argv = [sys.executable, "-m", "buddywatch", "--db", str(db), "--config", str(config), *arguments]
    done = subprocess.run(argv, env=ENV, capture_output=True, text=True, check=False, timeout=2 * DEADLINE_S, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def stored(db: Path, board: str) -> dict[str, set[int]]:
    """The frames of a board's snapshots in the store, by boot id. For waiting: a command costs far more."""
    found: dict[str, set[int]] = {}
    if db.exists():
        with suppress(StoreError), Store.open_readonly(db) as store:  # it may be made at this moment
            for shot in store.snapshots(board):
                found.setdefault(shot.boot_id, set()).add(shot.seq)
    return found


def mail_config(server: SmtpServer, folder: Path, more: str = "") -> str:
    """A [mail] section for the server, with its password in a file of the folder."""
    password = folder / "password"
    password.write_text(LOGIN[1] + "\n")
    password.chmod(0o600)
    return f"""
[mail]
from = "watch@board.test"
to = ["you@board.test"]
server = "{server.host}"
port = {server.port}
security = "starttls"
ca_file = "{server.ca_file}"
user = "{LOGIN[0]}"
password_file = "{password}"
{more}
"""


def mail_server(**options: Any) -> SmtpServer:
    """A server that wants STARTTLS and a login."""
    return SmtpServer("starttls", login=LOGIN, **options)


def text_of(mail: ReceivedMail) -> str:
    """Subject and body, for a search."""
    body = mail.message.get_body(("plain",))
    assert body is not None
    return f"{mail.message['Subject']}\n{body.get_content()}"


def warns_of_rm(mail: ReceivedMail) -> bool:
    """Whether it says that the kernel would refuse, or hardly serve, the need `rm`."""
    return bool(_WARNING_OF_RM.search(str(mail.message["Subject"])))


def wait_for_mail(server: SmtpServer, is_meant: Callable[[ReceivedMail], bool], what: str) -> ReceivedMail:
    """The first mail that is meant."""

    def have() -> str:
        return f"a mail {what}; have {[str(mail.message['Subject']) for mail in server.mails]}"

    return wait_for(lambda: next((mail for mail in list(server.mails) if is_meant(mail)), None), have)


class Collector:
    """`buddywatch collect` as a process; its output is kept in files. prefix: what starts it."""

    _number = 0

    def __init__(self, db: Path, config: Path, links: Iterable[str], prefix: Iterable[str] = (), **popen: Any) -> None:
        Collector._number += 1
        self._out = config.with_name(f"collector-{self._number}.out")
        self._err = self._out.with_suffix(".err")
        argv = [*prefix, sys.executable, "-m", "buddywatch", "--db", str(db), "--config", str(config)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, "env": ENV}
            self.process = subprocess.Popen([*argv, "collect", *links], **{**streams, **popen})

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_until_it_says(self, text: str, times: int = 1) -> None:
        def said() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.out}{self.err}"
            return self.out.count(text) >= times

        wait_for(said, lambda: f"{text!r} in the collector's output: {self.out}{self.err}")

    def wait(self) -> int:
        """Wait for it to end; returns its exit code."""
        return self.process.wait(DEADLINE_S)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


class Scene:
    """`with Scene(folder, agent) as scene:` a board after its reboot, with nothing started yet.

    ring: bytes; None: the agent's default. extra: more options for the agent. config: the collector's TOML.
    """

    def __init__(
        self,
        folder: Path,
        agent: Command,
        ring: int | None = None,
        extra: Iterable[str] = (),
        config: str = NEED_RM,
        interval_s: float = INTERVAL_S,
        board: str = BOARD,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--name", board, *extra, *(["--ring", str(ring)] if ring else [])]
        self.board = board
        self.stage = stage.Stage(folder, agent, interval_s, options)
        self.record = Record(self.stage.record)
        self.folder = folder
        self.db = folder / "buddywatch.db"
        self.config = folder / "config.toml"
        self.config.write_text(config)
        self.collectors: list[Collector] = []
        self._raised = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for collector in self.collectors:
            collector.close()
        if not self._raised:
            self.raise_curtain()  # its lines are closed by the threads that carry
        self.stage.__exit__(*exc)

    def raise_curtain(self) -> None:
        """Start the lines and the agent."""
        self._raised = True
        self.stage.__enter__()

    def collect(self, *links: str, **popen: Any) -> Collector:
        """Start a collector; popen: see Collector."""
        collector = Collector(self.db, self.config, links, **popen)
        self.collectors.append(collector)
        return collector

    def cli(self, *arguments: str) -> Result:
        return buddywatch(self.db, self.config, *arguments)

    def play(self, states: Iterable[story.State]) -> None:
        """Show one state after the other, each until the agent has recorded it, however long that takes."""
        for state in states:
            frames = self.record.frames()
            self.stage.board.show(state)
            wait_for(lambda f=frames, s=state: self._has_recorded(s, f), f"a record of {state}")

    def _has_recorded(self, state: story.State, more_than: int) -> bool:
        assert self.stage.agent is not None and self.stage.agent.poll() is None, "the agent has ended"
        life = self.record.update()
        orders = list(state.nr_free)
        return life is not None and self.record.frames() > more_than and life.nr_free[:ORDERS] == orders

    def settle(self) -> dict[str, int]:
        """Wait until everything recorded so far is stored; returns the numbers of the last frames by boot id."""
        lasts = self.record.lasts()
        assert lasts and all(lasts.values())
        wait_for(lambda: has(self.db, self.board, lasts), lambda: f"frames {lasts} in the store; {self._said()}")
        return lasts

    def check(self, lasts: dict[str, int], whole: bool = True) -> None:
        """The store holds the truth; see system_truth.check()."""
        self.record.update()
        check(self.db, self.board, self.record, lasts, whole)

    def _said(self) -> str:
        return "".join(collector.out[-2000:] + collector.err for collector in self.collectors)


def cpython_agent() -> Command:
    return [sys.executable, "-m", "buddyd"], {**os.environ, "PYTHONPATH": ENV["PYTHONPATH"]}
