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
WRITE_S = 3.0  # how long a reader waits for it


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
    if not path.exists():
        return
    with suppress(OSError), connect(path) as client:
        client.settimeout(WRITE_S)
        client.sendall(WRITE.encode() + b"\n")
        client.recv(64)


@contextmanager
def following(db: Path) -> Iterator[None]:
    """Let the collector that uses this database write every second meanwhile; nothing happens if none runs."""
    with ExitStack() as stack:
        with suppress(OSError):
            client = stack.enter_context(connect(control_path(db)))
            client.sendall(FOLLOW.encode() + b"\n")
        yield
