"""The command line with a database of its own, as most tests of commands need it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from buddywatch.store.store import Store
from runner import Runner


@pytest.fixture
def buddywatch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, capsys)


@pytest.fixture
def store(buddywatch: Runner) -> Iterator[Store]:
    """Its database."""
    with Store.open(buddywatch.db) as opened:
        yield opened
