"""buddyd's telnet port and the clients that people have: what is typed is answered, and no option disturbs a frame."""

import re
import socket
import time
from collections.abc import Callable

import pytest
from buddyd import wire_host
from buddywatch.protocol.frame import Frame, Hello
from buddywatch.protocol.line_stream import LinkSession
from termtools import Typist, nommu_busybox, tool
from waiting import wait_for

CLIENTS = {
    "inetutils": (lambda port: [tool("telnet"), "127.0.0.1", str(port)], b"\r"),
    "busybox": (lambda port: [nommu_busybox(), "telnet", "127.0.0.1", str(port)], b"\r"),
    "plink": (lambda port: [tool("plink"), "-telnet", "-P", str(port), "127.0.0.1"], b"\r"),
    "nc-openbsd": (lambda port: [tool("nc.openbsd"), "127.0.0.1", str(port)], b"\n"),
    "nc-traditional": (lambda port: [tool("nc.traditional"), "127.0.0.1", str(port)], b"\n"),
    "socat": (lambda port: [tool("socat"), "-,raw,echo=0", f"TCP:127.0.0.1:{port}"], b"\r"),
}
Client = Callable[[int], list[str]]


@pytest.fixture(params=[*CLIENTS])
def client(request: pytest.FixtureRequest) -> tuple[Client, bytes]:
    """(its command for a port, what its Enter key sends)."""
    return CLIENTS[request.param]


def test_what_a_person_types_is_answered(client: tuple[Client, bytes], buddyd_port: int) -> None:
    command, enter = client
    typist = Typist(command(buddyd_port))
    try:
        typist.read_until(b"Type help.")
        for line, answer in ((b"need 61440", rb"61440"), (b"status", rb"ring \d+ bytes"), (b"nonsense", rb"help")):
            typist.type(line + enter)
            came = typist.read_until(b"\n")  # the echo, if the client makes one
            while not re.search(answer, came):
                came = typist.read_until(b"\n")
            assert b"\xff" not in came
    finally:
        typist.close()


def test_a_request_from_a_client_brings_whole_frames(client: tuple[Client, bytes], buddyd_port: int) -> None:
    command, enter = client
    typist = Typist(command(buddyd_port))
    try:
        typist.read_until(b"Type help.")
        typist.type(bytes(wire_host.ask_hello()) + enter)
        session, items = LinkSession(), []
        wait_for(
            lambda: sum(isinstance(item, Frame) for item in items) >= 8,
            lambda: f"8 frames, have {items}",
            lambda: items.extend(session.feed(typist.read_until(b"\n"))),
        )
    finally:
        typist.close()
    sequences = [item.seq for item in items if isinstance(item, Frame)]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert any(isinstance(item, Hello) for item in items)
    assert session.damaged == 0


def test_inetutils_sees_output_again_after_ctrl_c(buddyd_port: int) -> None:
    """It sends IAC IP, IAC DO TIMING-MARK, and throws all away until that is answered."""
    typist = Typist([tool("telnet"), "127.0.0.1", str(buddyd_port)])
    try:
        typist.read_until(b"Type help.")
        typist.type(b"\x03")
        time.sleep(0.3)
        typist.type(b"need 61440\r")
        typist.read_until(b"need 61440: ")
    finally:
        typist.close()


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 1000])
def test_options_in_any_chunking_leave_frames_whole(chunk_bytes: int, buddyd_port: int) -> None:
    # What inetutils and plink say at the start; then questions about options, a subnegotiation, a doubled IAC.
    options = bytes.fromhex("fffd26fffb26fffd03fffb18fffb1ffffb20fffb21fffb22fffb27fffd05")
    options += bytes.fromhex("fffb1ffffa1f00500018fff0fffd63fffb63fff6fffd06")
    talk = options + bytes(wire_host.ask_hello()) + b"\r\0" + options * 4
    session, items, replies = LinkSession(), [], b""
    with socket.create_connection(("127.0.0.1", buddyd_port)) as connection:
        connection.settimeout(60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(talk), chunk_bytes):
            connection.sendall(talk[at : at + chunk_bytes])
        rest = b""
        while sum(isinstance(item, Frame) for item in items) < 8:
            data = connection.recv(4096)
            assert data
            replies += data
            # A read may end within an answer to an option, or within the answer to AYT: the rest of it is awaited.
            whole, rest = re.fullmatch(rb"(.*?)((?:\xff[\xfb-\xfe]?|\[[yes\]]*\r?)?)", rest + data, re.DOTALL).groups()
            items += session.feed(re.sub(rb"\xff[\xfb-\xfe].|\[yes\]\r\n", b"", whole, flags=re.DOTALL))
    assert session.damaged == 0
    refused = {(reply[1], reply[2]) for reply in re.findall(rb"\xff[\xfb-\xfe].", replies, re.DOTALL)}
    assert refused <= {(verb, option) for verb in (252, 254) for option in range(256)}
    assert (252, 6) in refused  # TIMING-MARK
