import errno
import os
import socket
import struct
from contextlib import suppress

import pytest
import rig
from buddywatch.links import tcp as tcp_module
from buddywatch.links.base import LinkDown
from buddywatch.links.urls import open_link
from buddywatch.protocol.line_stream import LINE_KEPT, LinkSession
from linktools import listening, read_to_the_end, read_until, same_descriptors, wait, write_all

KINDS = ["tcp", "telnet"]


def connected(server, scheme="tcp", host="127.0.0.1"):
    """A link that is up, and the other end of it."""
    link = open_link(f"{scheme}://{host}:{server.getsockname()[1]}")
    link.start()
    read_until(link, lambda _: link.up)
    return link, server.accept()[0]


@pytest.mark.parametrize("scheme", KINDS)
def test_bytes_go_both_ways(scheme):
    with same_descriptors(), listening() as server:
        link, peer = connected(server, scheme)
        with peer:
            assert not link.flows_unasked
            assert not link.wants_write
            assert link.read() == b""
            peer.sendall(b"~hello\r\n")
            assert read_until(link, lambda came: came.endswith(b"\n")).split() == [b"~hello"]
            write_all(link, b"@h\n")
            assert peer.recv(100).strip() == b"@h"
        link.close()
        link.close()
        assert link.fileno() is None
        assert (link.read(), link.write(b"x")) == (b"", 0)


def test_start_returns_before_the_connection_is_made():
    with same_descriptors(), listening() as server:
        link = open_link(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        link.start()
        assert not link.up
        assert link.write(b"x") == 0
        read_until(link, lambda _: link.up)
        link.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_both_families_are_reached(family):
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    try:
        context = listening(family, address)
        server = context.__enter__()
    except OSError as error:
        pytest.skip(f"no {address} here: {error}")
    link, peer = connected(server, host=f"[{address}]" if family == socket.AF_INET6 else address)
    peer.sendall(b"x")
    assert read_until(link, bool) == b"x"
    for thing in (link, peer, server):
        thing.close()


def test_a_name_is_looked_up_and_each_of_its_addresses_is_tried():
    """localhost is ::1 and 127.0.0.1 where both are configured; the server listens on the second only."""
    with same_descriptors(), listening() as server:
        link, peer = connected(server, host="localhost")
        assert link.up
        peer.close()
        link.close()


@pytest.mark.parametrize("scheme", KINDS)
def test_a_refused_connection_is_down_and_may_be_tried_again(scheme):
    port = rig.free_port()
    with same_descriptors():
        link = open_link(f"{scheme}://127.0.0.1:{port}")
        for _ in range(3):
            link.start()
            _, down = read_to_the_end(link)
            assert str(down) == f"127.0.0.1:{port}: connection refused"
            assert not down.ended
            assert link.fileno() is None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_cannot_be_found_is_named(host):
    with same_descriptors():
        link = open_link(f"tcp://{host}:4000")
        link.start()
        _, down = read_to_the_end(link)
        assert f"cannot find host {host}: " in str(down)
        assert not down.ended


def test_a_connection_that_nobody_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(tcp_module, "CONNECT_S", 0.2)
    with same_descriptors(), socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:  # a full queue: the kernel lets further SYNs go unanswered
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        link = open_link(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        link.start()
        _, down = read_to_the_end(link)
        assert "no answer in 0 s" in str(down)
        for client in waiting:
            client.close()


def test_closing_while_the_name_is_looked_up_leaves_nothing_behind():
    with same_descriptors():
        for _ in range(5):
            link = open_link("tcp://no-such-host.invalid:4000")
            link.start()
            assert link.fileno() is not None
            link.close()


@pytest.mark.parametrize("scheme", KINDS)
def test_a_peer_that_closes_is_down_after_what_it_said(scheme):
    with same_descriptors(), listening() as server:
        link, peer = connected(server, scheme)
        peer.sendall(b"bye\n")
        peer.close()
        came, down = read_to_the_end(link)
        assert came == b"bye\n"
        assert "closed the connection" in str(down)
        assert not down.ended
        assert not link.up


def test_a_peer_that_resets_is_down():
    with same_descriptors(), listening() as server:
        link, peer = connected(server)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        _, down = read_to_the_end(link)
        assert os.strerror(errno.ECONNRESET).lower() in str(down)


def test_writing_to_a_peer_that_is_gone_is_down():
    with same_descriptors(), listening() as server:
        link, peer = connected(server)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        wait(link)
        with pytest.raises(LinkDown):
            write_all(link, b"@h\n" * 1000)
        assert not link.up


@pytest.mark.parametrize("scheme", KINDS)
def test_a_peer_that_takes_nothing_holds_nobody_up(scheme):
    with same_descriptors(), listening() as server:
        link, peer = connected(server, scheme)
        with peer:
            taken = 0
            for _ in range(100_000):
                count = link.write(b"x" * 10_000)
                taken += count
                if count == 0:
                    break
            assert link.write(b"x") == 0
            assert link.wants_write
            received = 0
            while received < taken:
                received += len(peer.recv(1_000_000))
                link.read()
            assert received == taken
            assert not link.wants_write
        link.close()


def test_a_megabyte_without_a_newline_is_survived():
    with same_descriptors(), listening() as server:
        link, peer = connected(server)
        session, largest, received = LinkSession(), 0, 0
        with peer:
            peer.setblocking(False)
            left = b"x" * 1_000_000 + b"\nprompt\n"
            items = []
            while received < 1_000_008:
                with suppress(BlockingIOError):
                    left = left[peer.send(left) :] if left else left
                data = link.read()
                received += len(data)
                items += session.feed(data)
                largest = max(largest, len(session._line))
        assert largest <= LINE_KEPT
        assert items[-1].text == "prompt"
        assert sum(len(item.text) for item in items) < 2 * LINE_KEPT
        link.close()


def test_keepalive_is_on():
    with listening() as server:
        link, peer = connected(server)
        options = link._socket
        assert options.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert options.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert options.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
        peer.close()
        link.close()


IAC, DONT, DO, WONT, WILL = 255, 254, 253, 252, 251
NEGOTIATION = bytes([IAC, DO, 1, IAC, DO, 31, IAC, WILL, 1, IAC, WILL, 3])  # what busybox 1.35's telnetd begins with
REFUSAL = bytes([IAC, WONT, 1, IAC, WONT, 31, IAC, DONT, 1, IAC, DONT, 3])


def test_telnet_refuses_every_option_and_hands_out_the_text_alone():
    with same_descriptors(), listening() as server:
        link, peer = connected(server, "telnet")
        with peer:
            peer.sendall(NEGOTIATION + b"board login: \r\n\xff\xff~x\r\0")
            assert read_until(link, lambda came: came.endswith(b"~x\n")) == b"board login: \n\xff~x\n"
            peer.settimeout(5)
            got = b""
            while len(got) < len(REFUSAL):
                got += peer.recv(100)
            assert got == REFUSAL
        link.close()


def test_telnet_doubles_iac_and_ends_lines_with_cr_lf():
    with same_descriptors(), listening() as server:
        link, peer = connected(server, "telnet")
        with peer:
            assert link.write(b"a\xffb\n") == 4
            assert peer.recv(100) == b"a\xff\xffb\r\n"
        link.close()


def test_telnet_answers_are_bounded_for_a_peer_that_only_asks():
    with same_descriptors(), listening() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link, peer = connected(server, "telnet")
        link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.setblocking(False)
        with peer:
            largest = 0
            for _ in range(100):
                with suppress(BlockingIOError):
                    peer.send(bytes([IAC, DO, 6]) * 3000)
                link.read()
                largest = max(largest, len(link._out))
        assert tcp_module.OUT_BYTES <= largest <= tcp_module.OUT_BYTES + 16
        link.close()


def test_telnet_begins_each_connection_afresh():
    with same_descriptors(), listening() as server:
        link, peer = connected(server, "telnet")
        peer.sendall(b"x" + bytes([IAC]))  # ends within a command
        read_until(link, bool)
        peer.close()
        read_to_the_end(link)
        link.start()
        read_until(link, lambda _: link.up)
        with server.accept()[0] as peer:
            peer.sendall(b"plain")
            assert read_until(link, bool) == b"plain"
        link.close()
