"""The way to a running collector: the socket beside its database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

WRITE = "write"  # the order to write everything that is held back; the answer comes when that is done
FOLLOW = "follow"  # the order to write every second, as long as the connection lasts
FORGET, ALL = "forget", "-"  # `forget TIME BOARD`: remove what is older, or all, of a board; answered when that is done
DONE = "d"  # begins the answer when something was done, see console_session.py
WRITE_S = 3.0  # how long a reader waits for it
REMOVE_S = 60.0  # a board with years of rows takes some seconds


def control_path(db: Path) -> Path:
    """The socket of the collector that uses this database."""
    return db.with_name(db.name + ".control")


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name of the path that fits into struct sockaddr_un, which holds 107 bytes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(path: Path) -> socket.socket:
    """A connection to a collector. OSError: none runs there, or it belongs to another user."""
    import socket  # here, as most commands find no collector and need none

    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


def let_write(db: Path) -> None:
    """Let the collector that uses this database write what it holds back, and wait until it has.

    Nothing happens if none runs, if it belongs to another user, or if it cannot write: then its database is older by
    what it holds back.
    """
    path = control_path(db)
    if not os.path.exists(path):  # nor if this user may not look there; Path.exists() would raise that
        return
    with suppress(OSError), connect(path) as client:
        client.settimeout(WRITE_S)
        client.sendall(WRITE.encode() + b"\n")
        client.recv(64)


def have_removed(db: Path, board: str, before: float | None) -> tuple[bool, str] | None:
    """Let the collector that uses this database remove a board, or what is older; wait until it has.

    Returns whether it has, with the links that are open to the board, or else why not. None: no collector runs there.
    OSError: it belongs to another user, or it has not done so in REMOVE_S.
    """
    try:
        client = connect(control_path(db))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    with client:
        client.settimeout(REMOVE_S)
        until = ALL if before is None else repr(before)
        client.sendall(f"{FORGET} {until} {board}\n".encode())
        answer = b""
        while not answer.endswith(b"\n") and (data := client.recv(4096)):
            answer += data
    kind, text = answer[:1].decode(), answer[1:].decode("utf-8", "replace").strip()
    return kind == DONE, text or ("" if kind else "the collector ended meanwhile")


@contextmanager
def following(db: Path) -> Iterator[None]:
    """Let the collector that uses this database write every second meanwhile; nothing happens if none runs."""
    with ExitStack() as stack:
        with suppress(OSError):
            client = stack.enter_context(connect(control_path(db)))
            client.sendall(FOLLOW.encode() + b"\n")
        yield
