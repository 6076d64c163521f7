"""The outbox of a test."""

import sys

import pytest
from buddywatch.config.sections import Hook
from outboxbench import Bench


@pytest.fixture
def bench(tmp_path):
    benches = []

    def make(**settings):
        benches.append(Bench(tmp_path, **settings))
        return benches[-1]

    yield make
    for one in benches:
        one.close()


@pytest.fixture
def hook(tmp_path):
    """A function that makes a hook of Python source, in which `folder` is a place to leave things."""

    def make(source, name="pager", timeout_s=20):
        path = tmp_path / f"{name}.py"
        path.write_text(f"import os, sys, time\nfrom pathlib import Path\nfolder = Path({str(tmp_path)!r})\n{source}\n")
        return Hook(name, (sys.executable, "-S", str(path)), timeout_s)

    return make
