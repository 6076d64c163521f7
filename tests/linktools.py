"""What tests of links need: waiting as the collector does, and counting descriptors."""

import os
import select
import socket
import time
from contextlib import contextmanager

import pytest
from buddywatch.links import LinkDown

PATIENCE_S = 10.0  # for what should happen within milliseconds


def wait(link, timeout_s=PATIENCE_S):
    """Until the link has something to do, as the collector waits for it."""
    if link.fileno() is None:
        return
    poller = select.poll()
    poller.register(link.fileno(), select.POLLIN | (select.POLLOUT if link.wants_write else 0))
    poller.poll(timeout_s * 1000)


def read_until(link, condition):
    """Read until condition(what came so far); what came."""
    end, came = time.monotonic() + PATIENCE_S, b""
    while not condition(came):
        assert time.monotonic() < end, f"only {came!r} has come"
        wait(link, 0.2)
        came += link.read()
    return came


def read_to_the_end(link):
    """What came before the link went down, and the LinkDown."""
    came = []
    with pytest.raises(LinkDown) as raised:
        read_until(link, lambda data: came.append(data) or False)
    assert "\n" not in str(raised.value)
    return came[-1], raised.value


def write_all(link, data):
    """Write until all is taken."""
    end = time.monotonic() + PATIENCE_S
    while data:
        assert time.monotonic() < end
        data = data[link.write(data) :]


@contextmanager
def same_descriptors():
    """No descriptor is left open."""
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    end = time.monotonic() + PATIENCE_S  # a thread that looked up a name closes its own
    while sorted(os.listdir("/proc/self/fd")) != before and time.monotonic() < end:
        time.sleep(0.01)
    assert sorted(os.listdir("/proc/self/fd")) == before


@contextmanager
def listening(family=socket.AF_INET, address="127.0.0.1"):
    """A listening socket of the test's own."""
    with socket.create_server((address, 0), family=family) as server:
        server.settimeout(PATIENCE_S)
        yield server
