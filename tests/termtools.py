"""Real terminals for tests: foreign programs on ptys, servers on loopback ports, and a console in between."""

import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import rig
from conftest import path_from
from waiting import wait_for

TOP = Path(__file__).resolve().parent.parent
_STARTS = re.compile(r"\b(?:v?fork|clone3?|execve(?:at)?)\(")


def tool(name: str) -> str:
    """The path of a command that scripts/ci-packages lists. Without one the test is skipped; under CI=true it fails."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is not None:
        return path
    words = (line.split() for line in (TOP / "scripts" / "ci-packages").read_text().splitlines())
    package = next(found[1] for found in words if found[:1] == [name])
    complaint = f"no {name} found; as root: apt install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(complaint, pytrace=False)
    pytest.skip(complaint)


def nommu_busybox() -> str:
    """The path of a BusyBox as for a board without MMU."""
    path, complaint = path_from("build-hush")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(complaint, pytrace=False)
    if path is None:
        pytest.skip(complaint)
    return path


def traced(shell: Sequence[str], log: Path) -> list[str]:
    """The command that runs a shell and writes down which processes it starts."""
    strace = tool("strace")
    probe = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.strip()[-100:]}")
    return [strace, "-f", "-qq", "-e", "trace=process", "-I", "never", "-o", str(log), *shell]


def processes_started(log: Path) -> int:
    """How many processes and programs a traced shell has started, itself left out."""
    return len(_STARTS.findall(log.read_text())) - 1


def script(path: Path, command: Sequence[str], **env: str) -> Path:
    """A program without arguments that runs a command: telnetd and getty take no others."""
    exports = "".join(f"export {name}='{value}'\n" for name, value in env.items())
    words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    path.write_text(f"#!/bin/sh\n{exports}exec {words}\n")
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def server(argv: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process, once it listens. Its children end with it."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: process.poll() is not None or _is_listened_on(port), f"{argv[0]} to listen")
        assert process.poll() is None, f"{argv[0]} has ended with {process.returncode}"
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_listened_on(port: int) -> bool:
    """Without connecting, which a telnetd would answer by starting a login."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(f":{port:04X} 00000000:0000 0A" in row for row in rows)


def telnetd(busybox: str, program: Path) -> tuple[list[str], int]:
    """(the command of a telnetd that runs a program for each caller, its port)."""
    port = rig.free_port()
    return [busybox, "telnetd", "-F", "-b", "127.0.0.1", "-p", str(port), "-l", str(program)], port


class Typist:
    """A program on its own terminal, on which the test types and reads."""

    def __init__(self, argv: Sequence[str], **env: str) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")
        environment = {"PATH": os.environ["PATH"], "TERM": "vt102", **env}
        command = [tool("setsid"), "--ctty", *argv]  # which runs it in its own place
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.seen = b""

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def read_until(self, wanted: bytes) -> bytes:
        """The text up to the wanted one; later reads continue after it."""
        wait_for(lambda: wanted in self.seen, lambda: f"{wanted!r}, have {self.seen[-2000:]!r}", self._read)
        at = self.seen.index(wanted) + len(wanted)
        came, self.seen = self.seen[:at], self.seen[at:]
        return came

    def _read(self) -> None:
        if select.select([self.master], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self.master, 4096)
            except OSError:
                raise AssertionError(f"the program has ended; it wrote {self.seen[-2000:]!r}") from None

    def close(self) -> None:
        os.close(self.master)  # the end of input: an interactive shell ignores SIGTERM
        _end(self.process)


class Console:
    """A board's serial console: `path` is the PC's end of the line, a program runs on the board's. `speak` is what the
    kernel prints, in the middle of whatever passes next."""

    def __init__(self, argv: Sequence[str], **env: str) -> None:
        self.board = Typist(argv, **env)
        self._pc, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.typed = b""
        self._speech: list[bytes] = []
        self._is_held = self._is_over = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def speak(self, text: bytes) -> None:
        self._speech.append(text)

    @property
    def has_spoken(self) -> bool:
        return not self._speech

    def hold(self, held: bool) -> None:
        """Whether nothing passes to the board."""
        self._is_held = held

    def restart(self, argv: Sequence[str], **env: str) -> None:
        """The program on the board has ended, and another one runs there."""
        before, self.board = self.board, Typist(argv, **env)
        before.close()

    def _carry(self) -> None:
        while not self._is_over:
            ready = select.select([self._pc, self.board.master], [], [], 0.05)[0]
            with contextlib.suppress(OSError, ValueError):
                if self._pc in ready:
                    data = os.read(self._pc, 4096)
                    self.typed += data
                    if not self._is_held:
                        os.write(self.board.master, data)
                elif ready:
                    self._bring(os.read(ready[0], 4096))

    def _bring(self, data: bytes) -> None:
        at = data.find(b"zone")  # within a line of an answer, or of a command's echo
        if self._speech and at >= 0:
            data = data[: at + 9] + self._speech.pop(0) + data[at + 9 :]
        os.write(self._pc, data)

    def close(self) -> None:
        self._is_over = True
        self._thread.join(1)
        while self._thread.is_alive():  # it may be writing to an end that nobody reads any more
            termios.tcflush(self._slave, termios.TCIFLUSH)
            self.board.process.kill()
            self._thread.join(0.1)
        self.board.close()
        os.close(self._pc)
        os.close(self._slave)
