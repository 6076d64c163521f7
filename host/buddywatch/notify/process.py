"""Runs a program once: gives it its input, and kills it with all its children when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from buddywatch.notify.base import Deadline
from buddywatch.text.escape import one_line

_STDERR_BYTES = 4096
_READ_BYTES = 4096
# How long to read the pipes after the program's end: a child that it left behind may hold them open for ever.
_PIPE_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Ended:
    """exit_code: negative when a signal ended it. complaint: ": " and the first line of its standard error, or ""."""

    exit_code: int
    output: bytes
    complaint: str

    @property
    def how(self) -> str:
        code = self.exit_code
        return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"


def run(
    command: Sequence[str],
    given: bytes,
    deadline: Deadline,
    output_max_bytes: int = 0,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Run command with `given` on its standard input. Its output is kept up to a limit; 0: it is discarded.

    OSError or ValueError: it cannot be started. At the deadline the program and its process group are killed.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if output_max_bytes else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=env,
        start_new_session=True,  # its own process group, so that its children can be killed with it
    )
    assert process.stdin is not None and process.stderr is not None
    output, said = bytearray(), bytearray()
    # Threads, because a program may read nothing, write without end, or leave a child that keeps the pipes open. Each
    # thread closes its own pipe.
    threads = [
        threading.Thread(target=_feed, args=(process.stdin, given), daemon=True),
        threading.Thread(target=_listen, args=(process.stderr, said, _STDERR_BYTES), daemon=True),
    ]
    if process.stdout is not None:
        threads.append(threading.Thread(target=_listen, args=(process.stdout, output, output_max_bytes), daemon=True))
    for thread in threads:
        thread.start()
    with deadline.cut_by(lambda: _kill_group(process.pid)):
        # Not reaped here: while it is a zombie, no other process can get its number and be killed by mistake.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    process.wait()
    for thread in threads:
        thread.join(_PIPE_PATIENCE_S)
    return Ended(process.returncode, bytes(output), _complaint(bytes(said)))


def _feed(pipe: IO[bytes], given: bytes) -> None:
    with suppress(OSError), pipe:  # a program that does not read its input may still succeed
        pipe.write(given)


def _listen(pipe: IO[bytes], kept: bytearray, kept_max: int) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), _READ_BYTES):
            kept += chunk[: kept_max - len(kept)]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _complaint(said: bytes) -> str:
    line = one_line(said.decode("utf-8", "replace").strip().partition("\n")[0])
    return f": {line}" if line else ""
