"""The door on a real port: many clients, slow ones, hostile ones."""

import socket
import threading
from contextlib import closing, contextmanager, suppress

from buddywatch.web import door as doors
from buddywatch.web.door import CLIENTS_MAX, Door
from buddywatch.web.request import Answer
from waiting import DEADLINE_S, wait_for

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@contextmanager
def opened(routes, clock=None):
    listener = socket.create_server(("127.0.0.1", 0))
    door = Door(listener, routes, ("a", "b"), ("localhost",), **({} if clock is None else {"clock": clock}))
    thread = threading.Thread(target=door.run)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        door.stop()
        thread.join(DEADLINE_S)
        door.close()


def routes(request):
    if request.path == "/defect":
        return "a", lambda: 1 // 0
    return ("a", lambda: Answer.line(200, f"page {request.path}")) if request.path.startswith("/ok") else None


def client(address):
    return closing(socket.create_connection(address, DEADLINE_S))


def said(sock):
    found = b""
    while piece := sock.recv(65536):
        found += piece
    return found


def asked(address, data):
    with client(address) as sock:
        sock.sendall(data)
        return said(sock)


def test_pages_errors_and_defects():
    with opened(routes) as address:
        assert asked(address, GET % b"/ok").endswith(b"\r\n\r\npage /ok\n")
        assert asked(address, b"HEAD" + (GET % b"/ok")[3:]).endswith(b"\r\n\r\n")
        for path, status in ((b"/no", 404), (b"/defect", 500), (b"/\x01", 400)):
            assert asked(address, GET % path).startswith(b"HTTP/1.1 %d " % status), path
        assert b"ZeroDivisionError" in asked(address, GET % b"/defect")
        assert asked(address, GET % b"/ok9").endswith(b"page /ok9\n")


def test_a_request_may_come_in_pieces():
    with opened(routes) as address, client(address) as sock:
        for byte in GET % b"/ok":
            sock.sendall(bytes([byte]))
        assert said(sock).endswith(b"page /ok\n")


def test_one_that_never_ends_is_cut():
    with opened(routes) as address:
        assert asked(address, b"GET /" + 5000 * b"a").startswith(b"HTTP/1.1 414 ")
        assert asked(address, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + 10_000 * b"a").startswith(b"HTTP/1.1 431 ")


def test_a_slow_client_is_dropped_and_a_full_door_says_so():
    clock = Clock()
    with opened(routes, clock) as address:
        slow = [socket.create_connection(address, DEADLINE_S) for _ in range(CLIENTS_MAX)]
        for sock in slow:
            sock.sendall(b"GET /ok HTT")
        wait_for(lambda: asked(address, b"").startswith(b"HTTP/1.1 503 "), "the door to be full")
        clock.now_s += doors.REQUEST_S + 1
        for sock in slow:
            assert sock.recv(100) == b""
            sock.close()
        assert asked(address, GET % b"/ok").endswith(b"page /ok\n")


def test_one_that_does_not_take_its_answer_is_dropped():
    clock, big = Clock(), Answer(200, bytes(20_000_000))
    with opened(lambda request: ("a", lambda: big), clock) as address, client(address) as sock:
        sock.sendall(GET % b"/")
        assert sock.recv(10) == b"HTTP/1.1 2"  # it began
        clock.now_s += doors.ANSWER_S + 1
        with suppress(ConnectionResetError):
            assert len(said(sock)) < len(big.body)
        assert asked(address, GET % b"/").startswith(b"HTTP/1.1 200 ")


def test_a_long_page_delays_only_its_lane():
    goes_on = threading.Event()

    def long():
        goes_on.wait(DEADLINE_S)
        return Answer.line(200, "long")

    def two(request):
        return ("a", long) if request.path == "/long" else ("b", lambda: Answer.line(200, "quick"))

    with opened(two) as address, client(address) as waiting:
        waiting.sendall(GET % b"/long")
        assert asked(address, GET % b"/quick").endswith(b"quick\n")
        goes_on.set()
        assert said(waiting).endswith(b"long\n")


def test_a_client_that_is_gone_before_its_answer_harms_nothing():
    goes_on = threading.Event()

    def long(request):
        return "a", lambda: goes_on.wait(DEADLINE_S) and Answer(200, bytes(1_000_000))

    with opened(long) as address:
        for _ in range(3):
            with client(address) as sock:
                sock.sendall(GET % b"/")
        goes_on.set()
        assert len(asked(address, GET % b"/")) > 1_000_000
