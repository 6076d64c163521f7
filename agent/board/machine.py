"""An emulated board, switched on: QEMU with its serial lines and its network.

    with Machine(Path("build/board"), "4k") as board:
        print(board.console.run("cat /proc/buddyinfo").text)

Nothing here waits for a time to pass, only for what the board does; a deadline is for a board that hangs.
"""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from kind import MachineError, artefacts, kind_of

DEADLINE_S = 120.0
LOOK_S = 0.01
PROMPT = "/ # "
COMMAND_MAX_CHARS = 250  # CONFIG_FEATURE_EDITING_MAX_LEN of the board's shell, less one for the newline, and some
TELNET_PORT, SHELL_PORT = 2323, 23  # on the board: buddyd's, and telnetd's
Value = TypeVar("Value")
_KERNEL_LINE = re.compile(r"\[ *\d+\.\d{6}\] [^\n]*\n")


class Answer(NamedTuple):
    """What a command on the board printed, and its exit status."""

    text: str
    status: int


class SerialEnd:
    """Our end of one of the board's serial lines. It is always read: QEMU stops the board while a reader is slow."""

    def __init__(self, connected: socket.socket, name: str, has_ended: Callable[[], str | None]) -> None:
        self._name = name
        self._has_ended = has_ended
        self._socket = connected
        self._text = ""
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, name=name, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """All that came so far, with plain newlines."""
        return self._text

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode("latin-1"))

    def wait_for(self, pattern: str, start: int = 0, deadline_s: float = DEADLINE_S) -> re.Match[str]:
        """The first match of a regular expression in `text` from position `start` on, as soon as it is there."""
        return self.wait_until(lambda: re.compile(pattern, re.MULTILINE).search(self.text, start), pattern, deadline_s)

    def wait_until(self, found: Callable[[], re.Match[str] | None], what: str, deadline_s: float) -> re.Match[str]:
        """The first match that `found` gives; it is asked whenever the board has said something."""
        end = time.monotonic() + deadline_s
        while True:
            heard, ended = self.text, self._has_ended()
            if (match := found()) is not None:
                return match
            if ended or time.monotonic() > end:
                reason = ended or f"in {deadline_s:.0f} s"
                raise MachineError(f"{self._name}: no {what!r} {reason}: {self.text[-2000:]}")
            with self._news:
                self._news.wait_for(lambda h=heard: h is not self._text, 0.5)  # type: ignore[misc]

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        with suppress(OSError):
            while data := self._socket.recv(65536):
                with self._news:
                    self._text += data.decode("latin-1").replace("\r", "")
                    self._news.notify_all()


class Console(SerialEnd):
    """The line of the kernel's messages and of a shell."""

    _number = 0

    def run(self, command: str, deadline_s: float = DEADLINE_S) -> Answer:
        """Run one command of the shell to its end; kernel messages on the way are left out of the answer."""
        self._number += 1
        mark = f"@@{self._number}"
        # In quotes, so that the echo of the line does not look like the answer. `eval` lets the command end in `&`.
        line = f"echo @'@'{self._number}; eval {shlex.quote(command)}; echo @'@'{self._number} $?"
        if len(line) > COMMAND_MAX_CHARS or "\n" in command:
            raise ValueError(f"{len(command)} characters in {command!r}: the board's shell reads one line of about 200")
        start = len(self.text)
        self.send(line + "\n")
        answer = re.compile(rf"^{mark}\n(.*?){mark} (\d+)\n", re.MULTILINE | re.DOTALL)
        match = self.wait_until(lambda: answer.search(without_kernel_lines(self.text[start:])), command, deadline_s)
        return Answer(match[1], int(match[2]))

    def kernel_log(self) -> str:
        """The kernel's messages that were printed here so far."""
        return "".join(_KERNEL_LINE.findall(self.text))


def without_kernel_lines(text: str) -> str:
    """The kernel may print a line within one of a program's; what remains is what the program said."""
    return _KERNEL_LINE.sub("", text)


class Machine:
    """A board that is on while the `with` lasts, and has a shell on its console.

    out: the folder that agent/board/build filled, which says what board it is. flavour: of the kernel, or of what it
    runs on. form: of the programs, "flat" or "elf". agent_tty: True makes buddyd's serial line a terminal of this
    machine, at agent_path; else agent_path is a unix socket. ports: TCP ports of the board that get a port here, see
    port(). skips_idle: time in which the board has nothing to do takes none, so that hours of it pass in minutes; what
    talks to it over a network sees its clock race. ram: a file for the RAM's content, which a later Machine finds there
    as after a reset.
    """

    def __init__(
        self,
        out: Path,
        flavour: str,
        form: str = "flat",
        agent_tty: bool = False,
        ports: Iterable[int] = (TELNET_PORT, SHELL_PORT),
        skips_idle: bool = False,
        ram: Path | None = None,
    ) -> None:
        artefacts(out, flavour, form)
        self.kind = kind_of(out)
        self.flavour = flavour
        self._choice = out, flavour, form
        self._agent_tty = agent_tty
        self._ports = {port: _free_port() for port in ports}
        self._skips_idle = skips_idle
        self._ram = ram

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="board-"))  # short: a unix socket's path has 107 characters
        try:
            self._switch_on()
        except BaseException:
            self.power_off()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.power_off()

    def port(self, board_port: int) -> int:
        """The port on 127.0.0.1 that leads to one of the board's."""
        return self._ports[board_port]

    def power_off(self) -> None:
        """At once, as by pulling the plug; harmless when it is off."""
        if process := getattr(self, "_process", None):
            process.kill()
            process.wait()
        for end in getattr(self, "_ends", []):
            end.close()
        self._ends: list[SerialEnd] = []
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_on(self) -> bool:
        return self._process.poll() is None

    def _switch_on(self) -> None:
        log = self._folder / "qemu.log"
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    self._command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
                )
            except FileNotFoundError:
                raise MachineError(f"no {self.kind.qemu}; install the package {self.kind.package}") from None
        self._ends = []
        # The board is not started before somebody listens to its console, so nothing that it says is missed.
        self.console = Console(self._wait(lambda: _connected(self._folder / "console"), log), "console", self._ended)
        self._ends.append(self.console)
        if self.kind.has_spare_line:
            _ = self.spare
        self.agent_path = self._folder / "agent"
        if self._agent_tty:
            found = self._wait(lambda: re.search(r"redirected to (\S+)", log.read_text()), log)
            self.agent_path = Path(found[1])
        self.console.wait_for(re.escape(PROMPT))

    @cached_property
    def spare(self) -> SerialEnd:
        """Our end of a line that nobody uses; where there is none it is buddyd's, and buddyd must have ended."""
        return self._join("spare" if self.kind.has_spare_line else "agent")

    def _join(self, line: str) -> SerialEnd:
        end = SerialEnd(
            self._wait(lambda: _connected(self._folder / line), self._folder / "qemu.log"), f"{line} line", self._ended
        )
        self._ends.append(end)
        return end

    def _command(self) -> list[str]:
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in self._ports.items())
        command = [self.kind.qemu, "-m", f"{self.kind.ram_mb}M", "-display", "none", "-monitor", "none", "-no-reboot"]
        if self._ram is not None:
            backend = f"memory-backend-file,id=ram,size={self.kind.ram_mb}M,share=on,mem-path={self._ram}"
            command += ["-machine", "memory-backend=ram", "-object", backend]
        for line, waits in ("console", "on"), ("agent", "off"), ("spare", "off"):
            if line == "spare" and not self.kind.has_spare_line:
                continue
            end = f"socket,id={line},path={self._folder}/{line},server=on,wait={waits}"
            command += ["-chardev", "pty,id=agent" if line == "agent" and self._agent_tty else end]
        command += self.kind.command(*self._choice, forwards)
        if self._skips_idle:
            command += ["-icount", "shift=2,sleep=off"]  # 4 ns an instruction
        return command

    def _wait(self, condition: Callable[[], Value | None], log: Path) -> Value:
        end = time.monotonic() + DEADLINE_S
        while (value := condition()) is None:
            if not self.is_on or time.monotonic() > end:
                raise MachineError(f"QEMU does not start: {log.read_text().strip() or 'it says nothing'}")
            time.sleep(LOOK_S)
        return value

    def _ended(self) -> str | None:
        return None if self.is_on else f"before QEMU ended with {self._process.returncode}"


def _connected(path: Path) -> socket.socket | None:
    """A connection to QEMU's end of a line; None while there is none yet."""
    end = socket.socket(socket.AF_UNIX)
    try:
        end.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        end.close()
        return None
    return end


def _free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
