"""Helpers for tests of links: wait as the collector does, and count descriptors."""

import os
import select
import socket
from contextlib import contextmanager

import pytest
from buddywatch.links.base import LinkDown
from waiting import DEADLINE_S, wait_for


def wait(link, timeout_s=DEADLINE_S):
    """Until the link has something to do, as the collector waits for it."""
    if link.fileno() is None:
        return
    poller = select.poll()
    poller.register(link.fileno(), select.POLLIN | (select.POLLOUT if link.wants_write else 0))
    poller.poll(timeout_s * 1000)


def read_until(link, condition):
    """Read until condition(data so far); returns the data."""
    came = b""

    def read():
        nonlocal came
        wait(link, 0.2)
        came += link.read()

    wait_for(lambda: condition(came), lambda: f"more than {came!r}", read)
    return came


def read_to_the_end(link):
    """The data received before the link went down, and the LinkDown."""
    came = []
    with pytest.raises(LinkDown) as raised:
        read_until(link, lambda data: came.append(data) or False)
    assert "\n" not in str(raised.value)
    return came[-1], raised.value


def write_all(link, data):
    """Write until all is taken."""
    taken = 0

    def write():
        nonlocal taken
        taken += link.write(data[taken:])

    wait_for(lambda: taken == len(data), lambda: f"the link to take more than {taken} bytes", write)


@contextmanager
def same_descriptors():
    """No descriptor is left open."""
    before = descriptors()
    yield
    wait_for(lambda: descriptors() == before, "a thread that looked up a name to close its own")


def descriptors():
    """The numbers of this process's descriptors."""
    return sorted(os.listdir("/proc/self/fd"))


@contextmanager
def listening(family=socket.AF_INET, address="127.0.0.1"):
    """A listening socket of the test's own."""
    with socket.create_server((address, 0), family=family) as server:
        server.settimeout(DEADLINE_S)
        yield server
