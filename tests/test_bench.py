"""`make bench` runs each file of tests/bench as a script."""

import importlib
from pathlib import Path

import pytest

BENCHES = sorted(Path(__file__).parent.joinpath("bench").glob("*.py"))


@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_it_is_a_script_and_what_it_imports_is_there(path):
    _, is_run, script = path.read_text().rpartition('\nif __name__ == "__main__":\n')
    assert is_run and "\ndef " not in script
    importlib.import_module(f"bench.{path.stem}")
