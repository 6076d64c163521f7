"""The bad line as a tool: between two terminals, between two ports, and from the command line."""

import os
import select
import signal
import socket
import subprocess
import sys
import termios
import tty

import faults
import pytest
import rig
from fault_lines import TO_HOST, FaultPty, FaultTcp
from waiting import DEADLINE_S, wait_for

DATA = bytes(range(256)) * 8


def opened(name) -> int:
    descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(descriptor, termios.TCSANOW)
    return descriptor


def read_until(descriptor: int, enough) -> bytes:
    """What comes until enough(data), or until the end."""
    data = b""
    while not enough(data):
        assert select.select([descriptor], [], [], DEADLINE_S)[0], data
        try:
            more = os.read(descriptor, 65536)
        except OSError:
            more = b""
        if not more:
            break
        data += more
    return data


def read(descriptor: int, count: int) -> bytes:
    return read_until(descriptor, lambda data: len(data) >= count)


@pytest.fixture
def pty(tmp_path, request):
    line = FaultPty(1, *request.param, tmp_path / "board", tmp_path / "host")
    line.start()
    yield line
    line.close()


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        yield server


@pytest.fixture
def tcp(server, request):
    line = FaultTcp(1, *request.param, 0, server.getsockname()[:2])
    line.start()
    yield line
    line.close()


def connected(tcp: FaultTcp, server: socket.socket) -> tuple[socket.socket, socket.socket]:
    """(host, board)."""
    host = socket.create_connection(("127.0.0.1", tcp.port), DEADLINE_S)
    return host, server.accept()[0]


@pytest.mark.parametrize("pty", [((), 1)], indirect=True)
def test_terminals_carry_both_ways(pty, tmp_path):
    board, host = opened(tmp_path / "board"), opened(tmp_path / "host")
    for here, there in ((board, host), (host, board)):
        os.write(here, DATA)
        assert read(there, len(DATA)) == DATA
    for descriptor in (board, host):
        os.close(descriptor)


@pytest.mark.parametrize("pty", [(("flip", "drop", "insert", "duplicate"), 60)], indirect=True)
def test_terminals_do_what_the_faults_say(pty, tmp_path):
    board, host = opened(tmp_path / "board"), opened(tmp_path / "host")
    heard = []
    pty.tap = lambda towards, data: heard.append((towards, data))
    os.write(board, DATA)
    expected = faults.sent(faults.Direction("1 to host", ["flip", "drop", "insert", "duplicate"], 60).feed(DATA))
    assert read(host, len(expected)) == expected != DATA
    assert (b"".join(data for _, data in heard), {towards for towards, _ in heard}) == (DATA, {TO_HOST})
    assert pty.done()[0].keys() == {"flip", "drop", "insert", "duplicate"}
    for descriptor in (board, host):
        os.close(descriptor)


@pytest.mark.parametrize("pty", [(("disconnect",), 100)], indirect=True)
def test_terminal_of_the_host_is_pulled_out_and_comes_back(pty, tmp_path):
    board, host = opened(tmp_path / "board"), opened(tmp_path / "host")
    os.write(board, DATA)
    assert len(read_until(host, lambda data: False)) < len(DATA)
    os.close(host)
    pty.calm()
    wait_for((tmp_path / "host").exists, "the adapter")
    host = opened(tmp_path / "host")
    os.write(board, b"again")
    assert read_until(host, lambda data: data.endswith(b"again")).endswith(b"again")
    for descriptor in (board, host):
        os.close(descriptor)


@pytest.mark.parametrize("pty", [(("half-close",), 20)], indirect=True)
def test_terminal_that_is_pulled_out_twice_at_once_comes_back_whole(pty, tmp_path):
    board = opened(tmp_path / "board")
    wait_for(lambda: os.write(board, DATA[:100]) and pty.done()[0].total() > 60, "many faults, one upon the other")
    pty.calm()
    host = None

    def heard() -> bool:
        nonlocal host
        if host is None and (tmp_path / "host").exists():
            host = opened(tmp_path / "host")
        os.write(board, b"x")
        return host is not None and bool(select.select([host], [], [], 0.05)[0])

    wait_for(heard, "a byte that passes")
    for descriptor in (board, host):
        os.close(descriptor)


@pytest.mark.parametrize("tcp", [((), 1)], indirect=True)
def test_ports_carry_both_ways_and_close_together(tcp, server):
    host, board = connected(tcp, server)
    for here, there in ((board, host), (host, board)):
        here.sendall(DATA)
        assert read(there.fileno(), len(DATA)) == DATA
    board.sendall(b"last words")
    board.close()
    assert read_until(host.fileno(), lambda data: False) == b"last words"
    host.close()


@pytest.mark.parametrize("tcp", [(("half-close",), 200)], indirect=True)
def test_port_that_is_half_closed_goes_on_the_other_way(tcp, server):
    host, board = connected(tcp, server)
    board.sendall(DATA)
    assert len(read_until(host.fileno(), lambda data: False)) < len(DATA)
    tcp.calm()
    host.sendall(b"still here")
    assert read(board.fileno(), 10) == b"still here"
    for end in (host, board):
        end.close()


@pytest.mark.parametrize("tcp", [(("echo",), 100)], indirect=True)
def test_port_echoes(tcp, server):
    host, board = connected(tcp, server)
    board.sendall(DATA)
    assert read(host.fileno(), len(DATA)) == DATA
    expected = faults.echoed(faults.Direction("1 to host", ["echo"], 100).feed(DATA))
    assert read(board.fileno(), len(expected)) == expected
    for end in (host, board):
        end.close()


@pytest.mark.parametrize("tcp", [(("stall", "delay"), 100)], indirect=True)
def test_port_that_stalls_loses_nothing(tcp, server):
    host, board = connected(tcp, server)
    board.sendall(DATA[:700])
    assert read(host.fileno(), 700) == DATA[:700]
    assert tcp.done()[0].total() > 2
    for end in (host, board):
        end.close()


@pytest.mark.parametrize("tcp", [((), 1)], indirect=True)
def test_port_that_leads_nowhere_hangs_up(tcp, server):
    server.close()
    with socket.create_connection(("127.0.0.1", tcp.port), DEADLINE_S) as host:
        assert host.recv(1) == b""


def tool(*arguments: str) -> list[str]:
    return [sys.executable, str(rig.TOP / "scripts" / "fault_proxy.py"), *arguments]


def test_tool_carries_until_it_is_stopped_and_tells_what_it_did(tmp_path):
    names = tmp_path / "board", tmp_path / "host"
    command = tool("--pty", *map(str, names), "--faults", "drop", "--every", "20", "--seed", "3")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_for(lambda: all(name.exists() for name in names), "the terminals")
        board, host = opened(names[0]), opened(names[1])
        os.write(board, DATA)
        expected = faults.sent(faults.Direction("3 to host", ["drop"], 20).feed(DATA))
        assert read(host, len(expected)) == expected
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=DEADLINE_S)
    for descriptor in (board, host):
        os.close(descriptor)
    assert process.returncode == 0
    title, row = out.splitlines()
    assert title.split() == ["fault", "times", "bytes"]
    assert row.split()[0] == "drop"
    assert int(row.split()[2]) >= len(DATA) - len(expected)


def test_tool_becomes_good(server):
    port = server.getsockname()[1]
    command = tool("--tcp", "0", f"127.0.0.1:{port}", "--faults", "swallow", "--every", "1", "--good-after", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        listening = process.stdout.readline().strip()
        host = socket.create_connection(("127.0.0.1", int(listening.rpartition(":")[2])), DEADLINE_S)
        board, _ = server.accept()

        def passes() -> bool:
            host.sendall(b"x")
            return bool(select.select([board], [], [], 0.01)[0])

        wait_for(passes, "a byte that passes")
        for end in (host, board):
            end.close()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def test_tool_ends_by_itself(tmp_path):
    command = tool("--pty", str(tmp_path / "board"), str(tmp_path / "host"), "--for", "0")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--tcp", "0", "nowhere"], "expected PORT HOST:PORT"),
        (["--tcp", "0", "127.0.0.1:1", "--faults", "rust"], "unknown faults: rust"),
        (["--tcp", "0", "127.0.0.1:1", "--every", "0"], "expected at least 1"),
        (["--pty", "/nowhere/a", "/nowhere/b"], "No such file"),
    ],
)
def test_tool_says_what_is_wrong_in_a_line(arguments, complaint):
    done = subprocess.run(tool(*arguments), capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
