import resource
import socket
import sys
import threading

import pytest
import rig
from buddywatch.links import listen
from buddywatch.links.base import LinkDown, LinkError
from buddywatch.links.connection import Connection
from buddywatch.links.listen import Listener
from buddywatch.links.rare_news import REPORT_S
from buddywatch.links.resolve import written_out
from buddywatch.links.urls import open_link
from linktools import listening, read_to_the_end, read_until, same_descriptors, wait, write_all
from waiting import DEADLINE_S


def started(connections_max=8, address="127.0.0.1"):
    listener = Listener(f"listen://{address}:0", address, 0, connections_max)
    listener.start()
    return listener


def call(listener):
    """A board that dials in."""
    return socket.create_connection(("127.0.0.1", listener.port), 10)


def accepted(listener, count=1):
    links = []
    while len(links) < count:
        wait(listener)
        assert listener.read() == b""
        links += listener.accepted()
    return links


def test_each_caller_becomes_a_link_of_its_own():
    with same_descriptors():
        listener = started()
        assert listener.up
        with call(listener) as one, call(listener) as two:
            first, second = accepted(listener, 2)
            assert first.url == "caller://{}:{}".format(*one.getsockname())
            assert first.up
            two.sendall(b"two\n")
            assert read_until(second, bool) == b"two\n"
            assert first.read() == b""
            write_all(first, b"@h\n")
            assert one.recv(10) == b"@h\n"
        for link in (first, second):
            _, down = read_to_the_end(link)
            assert down.ended  # the board has to call again
        listener.close()
        listener.close()
        assert not listener.up


def test_callers_beyond_the_bound_are_turned_away_until_one_has_gone():
    with same_descriptors():
        listener = started(connections_max=2)
        callers = [call(listener) for _ in range(2)]
        links = accepted(listener, 2)
        with call(listener) as third:
            wait(listener)
            listener.read()
            assert listener.accepted() == []
            assert third.recv(100) == b"busy: too many connections\r\n"
            assert third.recv(100) == b""
        assert listener.refused == 1
        links[0].close()
        with call(listener) as third:
            (link,) = accepted(listener)
            link.close()
        for thing in (*links, *callers, listener):
            thing.close()


def turn_away(connection, listener, now_s):
    with call(listener) as caller:
        wait(listener)
        assert connection.receive(now_s) == []
        assert caller.recv(100).startswith(b"busy")


def test_callers_that_are_turned_away_are_told_once_a_minute(monkeypatch):
    now_s = 1000.0
    monkeypatch.setattr(listen, "monotonic", lambda: now_s)
    with same_descriptors():
        connection = Connection(Listener("listen://127.0.0.1:0", "127.0.0.1", 0, 1))
        connection.tend(now_s)
        listener = connection.link
        with call(listener):
            wait(listener)
            connection.receive(now_s)
            connection.news.clear()
            for _ in range(3):
                turn_away(connection, listener, now_s)
            said = "listen://127.0.0.1:0: 1 board connected, so another from 127.0.0.1 was disconnected"
            assert connection.news == [f"{said}; allow more with ?connections=NUMBER"]
            now_s += REPORT_S
            turn_away(connection, listener, now_s)
            assert connection.news[1:] == [
                f"{said} (and 2 more since the last report); allow more with ?connections=NUMBER"
            ]
            for link in listener.accepted():
                link.close()
        connection.close()


def test_as_many_boards_as_are_allowed_are_taken():
    with same_descriptors():
        listener = started(connections_max=100)
        callers = []
        links = []
        for _ in range(100):
            callers.append(call(listener))
            links += accepted(listener)
        assert (len(links), listener.refused) == (100, 0)
        for thing in (*links, *callers, listener):
            thing.close()


def test_links_outlive_the_listener():
    with same_descriptors():
        listener = started()
        with call(listener) as caller:
            (link,) = accepted(listener)
            listener.close()
            caller.sendall(b"x")
            assert read_until(link, bool) == b"x"
            link.close()


def test_a_caller_that_hangs_up_before_it_is_accepted_does_no_harm():
    with same_descriptors():
        listener = started()
        call(listener).close()
        (link,) = accepted(listener)
        read_to_the_end(link)
        listener.close()


def test_it_listens_on_the_given_address_only():
    listener = started()
    host, port = listener._socket.getsockname()
    assert host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)
    listener.close()


def test_a_port_in_use_is_named_with_a_way_out():
    with same_descriptors(), listening() as server:
        port = server.getsockname()[1]
        with pytest.raises(LinkError, match=f"listen://127.0.0.1:{port}: port {port} is in use") as raised:
            open_link(f"listen://127.0.0.1:{port}").start()
        assert "ss -ltnp" in str(raised.value)


def test_an_address_that_is_not_ours_is_told():
    with same_descriptors(), pytest.raises(LinkError, match="no interface") as raised:
        open_link(f"listen://192.0.2.1:{rig.free_port()}").start()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b"])
def test_a_name_without_address_is_told_and_tried_again_later(name):
    with same_descriptors():
        listener = open_link(f"listen://{name}:{rig.free_port()}")
        listener.start()
        _, down = read_to_the_end(listener)
        assert f"cannot find host {name}: " in str(down) and "name an address of this machine" in str(down)
        assert not down.ended and not listener.up


def test_it_listens_on_a_name():
    with same_descriptors():
        listener = Listener("listen://localhost:0", "localhost", 0)
        listener.start()
        read_until(listener, lambda _: listener.up)
        host, port = listener._socket.getsockname()[:2]
        assert host in ("127.0.0.1", "::1")
        with socket.create_connection((host, port), 10):
            (link,) = accepted(listener)
            link.close()
        listener.close()


def test_the_look_up_of_a_name_holds_up_nobody():
    """start() and read() return while a name server keeps silent; the thread that asks it is let be."""
    asked, let_go = threading.Event(), threading.Event()
    loop_thread = threading.get_ident()

    def hold_up(event, args):
        if event == "socket.getaddrinfo" and args[0] == "held-up.invalid":
            assert threading.get_ident() != loop_thread, "looked up in the loop"
            asked.set()
            let_go.wait(DEADLINE_S)

    sys.addaudithook(hold_up)
    with same_descriptors():
        listener = Listener("listen://held-up.invalid:0", "held-up.invalid", 0)
        listener.start()
        assert asked.wait(DEADLINE_S)
        assert listener.read() == b"" and not listener.up
        assert listener.fileno() is not None
        listener.close()
        let_go.set()


def test_a_look_up_that_is_never_answered_is_given_up(monkeypatch):
    monkeypatch.setattr(listen, "CONNECT_S", -1.0)
    let_go = threading.Event()
    sys.addaudithook(
        lambda event, args: (
            let_go.wait(DEADLINE_S) if event == "socket.getaddrinfo" and args[0] == "silent.invalid" else None
        )
    )
    with same_descriptors():
        listener = Listener("listen://silent.invalid:0", "silent.invalid", 0)
        listener.start()
        with pytest.raises(LinkDown, match="no answer about its address"):
            listener.read()
        let_go.set()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", (socket.AF_INET, ("127.0.0.1", 7))),
        ("::1", (socket.AF_INET6, ("::1", 7))),
        ("fe80::1%lo", None),
        ("localhost", None),
    ],
)
def test_only_a_name_and_an_interface_are_looked_up(host, expected):
    assert written_out(host, 7) == expected


def test_it_starts_again_on_the_same_port():
    with same_descriptors():
        listener = open_link(f"listen://127.0.0.1:{rig.free_port()}")
        for _ in range(3):
            listener.start()
            with call(listener) as caller:
                (link,) = accepted(listener)
                link.close()
                assert caller.recv(1) == b""
            listener.close()


def test_running_out_of_descriptors_is_down_not_a_busy_loop():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with same_descriptors():
        listener = started()
        with call(listener):
            highest = max(listener.fileno(), 3)
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
            try:
                _, down = read_to_the_end(listener)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert "too many open files" in str(down)
            assert not down.ended
            assert not listener.up
