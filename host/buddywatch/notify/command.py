"""Messages handed to a program's standard input: a sendmail-compatible one, or any hook. Never through a shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import IO, Any

from buddywatch.config.load import Hook, Mail
from buddywatch.model.alerts import Message
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.mail import compose_mail
from buddywatch.notify.text import one_line

_STDERR_BYTES = 4096
_PIPE_PATIENCE_S = (
    1.0  # after the end of a program, for its pipes to run dry; a child it left may hold them open for ever
)


def send_mail(mail: Mail, message: Message, created: float, deadline: Deadline) -> None:
    """Give the email to mail.command, which finds the recipients in its arguments or, with -t, in the headers.

    Raises NotifyError. Every exit code but 0 is worth another try: msmtp answers a server's 451 with 69, not 75.
    """
    text = compose_mail(mail, message, created).as_bytes().replace(b"\r\n", b"\n")  # sendmail takes lines as files do
    _run("mail command", mail.command, text, deadline)


def send_hook(hook: Hook, message: Message, deadline: Deadline) -> None:
    """Give the message's payload as one line of JSON to hook.command. Raises NotifyError."""
    _run(f"hook {hook.name}", hook.command, json_line(message.payload), deadline)


def json_line(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, allow_nan=False).encode() + b"\n"


def _run(what: str, command: tuple[str, ...], given: bytes, deadline: Deadline) -> None:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a process group of its own, so that what it starts can be stopped with it
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotifyError(f"{what}: {command[0]} cannot be started: {reason}", permanent=True) from None
    complaint = _complaint_after(process, given, deadline)
    if process.returncode:
        raise NotifyError(f"{what}: {command[0]} {deadline.reason or _ending(process.returncode)}{complaint}")


def _complaint_after(process: subprocess.Popen[bytes], given: bytes, deadline: Deadline) -> str:
    """Feed the program, wait for its end, and return ": " and the first line of its standard error, or ""."""
    assert process.stdin is not None and process.stderr is not None
    said = bytearray()
    # Threads, as a program may read nothing, or write without end, or leave a child that keeps the pipes open. Each
    # closes its own pipe.
    feeder = threading.Thread(target=_feed, args=(process.stdin, given), daemon=True)
    listener = threading.Thread(target=_listen, args=(process.stderr, said), daemon=True)
    feeder.start()
    listener.start()
    with deadline.cut_by(lambda: _kill_group(process.pid)):
        # Not reaped in here: as long as it is a zombie, its number cannot become somebody else's and be killed.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    process.wait()
    feeder.join(_PIPE_PATIENCE_S)
    listener.join(_PIPE_PATIENCE_S)
    line = one_line(bytes(said).decode("utf-8", "replace").strip().partition("\n")[0])
    return f": {line}" if line else ""


def _feed(pipe: IO[bytes], given: bytes) -> None:
    with suppress(OSError), pipe:  # a program that does not read its input may still succeed
        pipe.write(given)


def _listen(pipe: IO[bytes], said: bytearray) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), _STDERR_BYTES):
            said += chunk[: _STDERR_BYTES - len(said)]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
