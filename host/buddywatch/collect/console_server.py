"""The collector's console socket, beside the database: interactive sessions with a board.

`buddywatch console` connects, sends `console BOARD` or `shell BOARD`, and gets one line as an answer. What it sends
afterwards is typed to the board; each line that it gets begins with a letter for its kind. `run BOARD` begins a session
of commands, see command_session.py. A command that is about to read the database sends `write`, and gets an answer when
all is written; the live view sends `follow`, and all is written every second as long as it stays; `forget` has a board
removed. Only the user who runs the collector, and root, may connect. All buffers are bounded, and nothing here waits.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from buddyd import wire_host

from buddywatch.collect.command_session import RUN, CommandSession, fit_connection, who
from buddywatch.collect.console_session import END, LOST, OPEN, REFUSED, EndMark, Session
from buddywatch.collect.control_socket import ALL, FOLLOW, FORGET, WRITE, control_path, short_name
from buddywatch.links.connection import Connection
from buddywatch.model.batch import Removal

CLIENTS_MAX = 4
COMMANDERS_MAX = 32
TYPED_MAX = 128  # bytes of a line that a board takes (buddyd.peer.INPUT_MAX)
ORDER_S = 10.0  # a client must have sent its order by then
CONSOLE, SHELL = "console", "shell"
_PEER_CREDENTIALS = "3i"  # struct ucred, unix(7)


class Control:
    """`with Control(db) as control`. The socket's folder must exist."""

    def __init__(self, db: Path) -> None:
        self.path = control_path(db)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._clients: list[Session] = []
        self._commanders: list[CommandSession] = []
        self._readers: list[Session] = []  # clients that wait until everything is written
        self._removals: list[tuple[Session, Removal]] = []

    def __enter__(self) -> Control:
        unfinished = self.path.with_name(self.path.name + ".new")
        with suppress(FileNotFoundError):
            unfinished.unlink()
        with short_name(unfinished) as name:
            before = os.umask(0o177)
            try:
                self._listener.bind(name)
            finally:
                os.umask(before)
        self._listener.listen(CLIENTS_MAX)
        unfinished.replace(self.path)  # replaces the socket of a killed collector; the lock shows that no other runs
        self._listener.setblocking(False)
        return self

    def __exit__(self, *_: object) -> None:
        for client in [*self._clients, *self._commanders]:
            if not client.is_over:
                client.end(LOST, "the collector ends")
            client.stream.close()
        self._listener.close()
        with suppress(OSError):
            self.path.unlink()

    def descriptors(self) -> set[int]:
        """The descriptors to wait for."""
        finished = [client for client in self._clients if client.finishing_s is not None]
        clients = [*(client for client in self._clients if client not in finished), *self._commanders]
        return {self._listener.fileno(), *(client.stream.fileno() for client in clients)}

    def has_client(self, connection: Connection) -> bool:
        return any(client.connection is connection for client in self._clients)

    def serve(self, connections: Iterable[Connection], monotonic_s: float) -> list[Connection]:
        """Accept clients, read what they type, send what waits; each turn of the loop. Returns connections typed to."""
        self._accept(monotonic_s)
        for client in list(self._clients):
            self._take(client, list(connections), monotonic_s)
            self._look(client, monotonic_s)
            client.flush()
        for client in [client for client in self._clients if client.is_over]:
            self._clients.remove(client)
            client.stream.close()
        self._serve_commanders(monotonic_s)
        consoles = [client.connection for client in self._clients if client.connection is not None]
        return consoles + [commander.link for commander in self._commanders]

    def _serve_commanders(self, monotonic_s: float) -> None:
        for commander in self._commanders:
            commander.take_lines(monotonic_s)
            commander.work(monotonic_s)
            commander.flush()
        for commander in [commander for commander in self._commanders if commander.is_over]:
            self._commanders.remove(commander)
            commander.stream.close()

    @property
    def has_readers(self) -> bool:
        """True if somebody is about to read the database, and waits until everything is written."""
        return bool(self._readers)

    @property
    def is_followed(self) -> bool:
        """True if somebody looks at what is written."""
        return any(client.is_follower for client in self._clients)

    def take_removals(self) -> list[tuple[Session, Removal]]:
        """What clients want to have removed, with whom to answer."""
        removals, self._removals = self._removals, []
        return removals

    def all_is_written(self) -> None:
        """Answer those who wait for that."""
        for reader in self._readers:
            if not reader.is_over:
                reader.end(END)
        self._readers.clear()

    def forward(self, connection: Connection, text: str, monotonic_s: float) -> None:
        """Pass text that came over a connection to its client."""
        for client in self._clients:
            if client.connection is connection:
                client.heard_s = monotonic_s
                client.hear(text)

    def heard_hello(self, connection: Connection) -> None:
        """A hello came over it, so everything asked before is answered."""
        for client in self._clients:
            if client.connection is connection and client.finishing_s is not None and not client.is_shell:
                client.end(END)

    def _accept(self, monotonic_s: float) -> None:
        while True:
            try:
                stream = self._listener.accept()[0]
            except OSError:
                return
            stream.setblocking(False)
            client = Session(stream, monotonic_s)
            if _credentials(stream)[1] not in (0, os.geteuid()):
                client.end(REFUSED, "the collector belongs to another user")
            elif len(self._clients) >= CLIENTS_MAX:
                client.end(REFUSED, f"busy: {CLIENTS_MAX} consoles are open")
            if client.is_over:
                stream.close()
            else:
                self._clients.append(client)

    def _take(self, client: Session, connections: list[Connection], monotonic_s: float) -> None:
        lines = None if client.finishing_s is not None else client.lines()
        if client.is_over or client.finishing_s is not None:
            return
        if lines is None:
            self._finish(client, monotonic_s)
            return
        for line in lines:
            if client.connection is None:
                self._open(client, line.decode("utf-8", "replace"), connections)
            else:
                client.connection.say(line + b"\n", monotonic_s)
            if client.is_over:
                return

    def _open(self, client: Session, order: str, connections: list[Connection]) -> None:
        if order in (WRITE, FOLLOW):
            client.is_follower = order == FOLLOW
            self._readers += [] if client.is_follower else [client]
            return
        what, _, board = order.partition(" ")
        if what == FORGET:
            self._order_removal(client, board)
            return
        if what == RUN and board:
            self._open_commands(client, board, connections)
            return
        if what not in (CONSOLE, SHELL) or not board:
            client.end(REFUSED, f"expected `{CONSOLE} BOARD`, `{SHELL} BOARD` or `{RUN} BOARD`")
            return
        client.is_shell = what == SHELL
        found = [connection for connection in connections if connection.board == board]
        fit = [c for c in found if c.is_up and _is_fit(c, client.is_shell)]
        if not fit:
            client.end(REFUSED, _why_not(board, found, client.is_shell))
            return
        # A link on which frames come only on request answers faster.
        client.connection = sorted(fit, key=lambda connection: connection.link.flows_unasked)[0]
        client.send(OPEN, client.connection.url)

    def _order_removal(self, client: Session, words: str) -> None:
        until, _, board = words.partition(" ")
        try:
            self._removals.append((client, Removal(board, None if until == ALL else float(until))))
            client.is_patient = True
        except ValueError:
            client.end(REFUSED, f"expected `{FORGET} {ALL} BOARD`, or a time in place of {ALL}")

    def _open_commands(self, client: Session, board: str, connections: list[Connection]) -> None:
        connection = fit_connection(board, connections)
        if connection is None:
            client.end(REFUSED, _why_not(board, [c for c in connections if c.board == board], False))
        elif len(self._commanders) >= COMMANDERS_MAX:
            client.end(REFUSED, f"busy: {COMMANDERS_MAX} commands are running")
        else:
            self._clients.remove(client)
            uid = _credentials(client.stream)[1]
            self._commanders.append(CommandSession(client.stream, client.since_s, connection, who(uid)))

    def _finish(self, client: Session, monotonic_s: float) -> None:
        client.finishing_s = monotonic_s
        if client.connection is None:
            client.is_over = True
        elif client.is_shell:
            client.end_mark = EndMark()
            client.connection.say(client.end_mark.command.encode() + b"\n", monotonic_s)
        else:
            client.connection.say(wire_host.ask_hello() + b"\n", monotonic_s)

    def _look(self, client: Session, monotonic_s: float) -> None:
        connection = client.connection
        if client.is_over:
            return
        if connection is None:
            may_wait = client.is_follower or client.is_patient
            client.is_over = monotonic_s - client.since_s > ORDER_S and not may_wait
        elif not connection.is_up:
            client.end(LOST, connection.last_error or f"{connection.url}: closed")
        elif client.finishing_s is not None:
            late = client.lateness(client.finishing_s, monotonic_s)
            if late is not None:
                client.end(LOST, f"{connection.url}: {late}")
        elif client.is_shell:
            client.show_partial(connection.unfinished)


def _credentials(stream: socket.socket) -> tuple[int, int, int]:
    """(process, user, group) of the other end."""
    data = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_PEER_CREDENTIALS))
    pid, uid, gid = struct.unpack(_PEER_CREDENTIALS, data)
    return pid, uid, gid


def _is_fit(connection: Connection, is_shell: bool) -> bool:
    """True if something on this link can answer typed lines: a shell that shares the line, or buddyd."""
    if is_shell:
        return not connection.link.takes_requests and not connection.is_recording
    return connection.link.has_human_side


def _why_not(board: str, found: list[Connection], is_shell: bool) -> str:
    up = [connection for connection in found if connection.is_up]
    if not found:
        return f"the collector has no link to a board {board}"
    if not up:
        return f"{board} cannot be reached: {'; '.join(c.last_error or f'{c.url}: not open' for c in found)}"
    urls = ", ".join(connection.url for connection in up)
    if is_shell:
        return f"no shell is on {urls}; a serial link with shared=true has one"
    if all(connection.link.takes_requests for connection in up):
        return f"{board} is watched through its shell by {urls} and runs no buddyd to talk to; log in instead"
    return (
        f"{board} is heard only over {urls}, which takes no questions; if a shell shares the line, --shell types to it"
    )
