"""What systemd is told, on a real socket."""

import os
import socket

import pytest
from buddywatch.collect.service import Service


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def told(sock):
    states = []
    while True:
        try:
            states.append(sock.recv(100).decode())
        except BlockingIOError:
            return states


def test_ready_and_the_watchdog_three_times_in_its_limit(systemd):
    service = Service({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"})
    service.ready()
    for second in range(31):
        service.turn(1000.0 + second)
    assert told(systemd) == ["READY=1", *["WATCHDOG=1"] * 4]


@pytest.mark.parametrize("env", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_PID": "1"}])
def test_without_a_watchdog_of_ours_it_hears_of_the_start_only(systemd, env):
    service = Service({"WATCHDOG_USEC": "9000000", "NOTIFY_SOCKET": systemd.getsockname()} | env if env else env)
    service.ready()
    service.turn(5.0)
    assert told(systemd) in ([], ["READY=1"])


def test_a_socket_that_is_gone_stops_nothing(tmp_path):
    Service({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_PID": str(os.getpid())}).ready()
