"""The door: one thread moves bytes for all clients, others make the answers. Clients, time and bytes are bounded.

A lane is a thread that makes answers one after the other: a page that takes long delays only others of its lane.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread

from buddywatch.web.request import BUSY, FAILED, NOT_FOUND, Answer, Request, read_request, refusal, written

CLIENTS_MAX = 32
REQUEST_S, ANSWER_S = 10.0, 30.0  # for a whole request to come, and for a whole answer to go
TURN_S = 0.5
_PIECE = 65536
Make = Callable[[], Answer]
Routes = Callable[[Request], tuple[str, Make] | None]  # (lane, what makes the answer); None: there is no such page


@dataclass(eq=False)
class _Client:
    """out: the answer, as far as it is not sent; None while the request is read or answered."""

    sock: socket.socket
    until_s: float
    data: bytearray = field(default_factory=bytearray)
    out: memoryview | None = None
    with_body: bool = True


class Door:
    """listener: bound and listening. lanes: their names. hosts: as for refusal()."""

    def __init__(
        self,
        listener: socket.socket,
        routes: Routes,
        lanes: tuple[str, ...],
        hosts: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._routes = routes
        self._hosts = hosts
        self._clock = clock
        self._clients: set[_Client] = set()
        self._selector = selectors.DefaultSelector()
        self._done: SimpleQueue[tuple[_Client, Answer]] = SimpleQueue()
        self._lanes: dict[str, SimpleQueue[tuple[_Client, Make] | None]] = {name: SimpleQueue() for name in lanes}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._take_answers)
        self._stopping = False

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call this whenever the descriptor is readable."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def run(self, seconds: float | None = None) -> None:
        """Serve until stop(), or for so long."""
        end_s = None if seconds is None else self._clock() + seconds
        threads = [Thread(target=self._work, args=(queue,), daemon=True) for queue in self._lanes.values()]
        for thread in threads:
            thread.start()
        while not self._stopping and (end_s is None or self._clock() < end_s):
            self.turn(TURN_S)
        for queue in self._lanes.values():
            queue.put(None)

    def stop(self) -> None:
        self._stopping = True

    def turn(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, _Client):
                self._move(key.data)
            else:
                key.data()
        now_s = self._clock()
        for client in [one for one in self._clients if one.until_s < now_s]:
            self._end(client)

    def close(self) -> None:
        for client in list(self._clients):
            self._end(client)
        self._selector.close()
        self._listener.close()
        os.close(self._wake_read)

    def _work(self, queue: SimpleQueue[tuple[_Client, Make] | None]) -> None:
        while (job := queue.get()) is not None:
            client, make = job
            try:
                answer = make()
            except Exception as error:  # a defect in one page must not end the door
                answer = Answer.line(FAILED, f"a defect of buddywatch itself: {type(error).__name__}")
            self._done.put((client, answer))
            os.write(self._wake_write, b".")

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # it is gone already, or there is no descriptor left: the next one may have better luck
        sock.setblocking(False)
        if len(self._clients) >= CLIENTS_MAX:
            with suppress(OSError):
                sock.send(written(Answer.line(BUSY, "too many clients"), True))
            sock.close()
            return
        client = _Client(sock, self._clock() + REQUEST_S)
        self._clients.add(client)
        self._selector.register(sock, selectors.EVENT_READ, client)

    def _move(self, client: _Client) -> None:
        try:
            if client.out is not None:
                client.out = client.out[client.sock.send(client.out) :]
                if not client.out:
                    self._end(client)
                return
            piece = client.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._end(client)
            return
        client.data += piece
        request = read_request(bytes(client.data)) if piece else None
        if request is not None:
            self._answer(client, request)
        elif not piece:
            self._end(client)

    def _answer(self, client: _Client, request: Request | int) -> None:
        self._selector.unregister(client.sock)  # what else it says does not matter
        client.until_s = float("inf")
        client.with_body = isinstance(request, int) or request.method != "HEAD"
        answer = refusal(request, self._hosts)
        if answer is not None or isinstance(request, int):
            self._give(client, answer or Answer.line(FAILED, ""))
            return
        found = self._routes(request)
        if found is None:
            self._give(client, Answer.line(NOT_FOUND, "no such page; / has all boards"))
        else:
            lane, make = found
            self._lanes[lane].put((client, make))

    def _take_answers(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_read, _PIECE)
        while not self._done.empty():
            self._give(*self._done.get())

    def _give(self, client: _Client, answer: Answer) -> None:
        client.until_s = self._clock() + ANSWER_S
        client.out = memoryview(written(answer, client.with_body))
        self._selector.register(client.sock, selectors.EVENT_WRITE, client)

    def _end(self, client: _Client) -> None:
        self._clients.discard(client)
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.sock)
        client.sock.close()
