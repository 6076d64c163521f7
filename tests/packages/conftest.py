"""Fixtures for `make package-test`: the packages of build/packages, and a Debian that has booted with them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian_machine import Machine, why_not

TOP = Path(__file__).resolve().parent.parent.parent
RELEASES = {"bookworm": "12", "trixie": "13"}


@pytest.fixture(scope="session")
def deb() -> Path:
    found = sorted((TOP / "build/packages").glob("buddywatch_*_all.deb"))
    assert len(found) == 1, "make deb builds it"
    return found[0]


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A bare Debian; the tests of a module go on with what the ones before have done to it."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    made = Machine(request.param, tmp_path_factory.mktemp("machine") / request.param)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
