"""What a command loads before it runs, counted in modules: their number makes most of the time of its start."""

import subprocess
import sys

import pytest

LOADED = """
import sys
before = set(sys.modules)
from buddywatch.cli import build_parser
build_parser([sys.argv[1]])
print(*set(sys.modules) - before)
"""
# Modules of buddywatch, with room for five more.
MOST = {
    "status": 80,
    "history": 85,
    "alerts": 80,
    "silence": 80,
    "need": 75,
    "decode": 75,
    "log": 81,
    "check-config": 64,
    "console": 70,
    "test-alert": 64,
}


def loaded(command: str) -> set[str]:
    found = subprocess.run([sys.executable, "-c", LOADED, command], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


@pytest.mark.parametrize(("command", "most"), MOST.items())
def test_a_command_loads_what_it_needs(command: str, most: int) -> None:
    own = {name for name in loaded(command) if name.startswith("buddywatch")}
    assert len(own) <= most, sorted(own)


@pytest.mark.parametrize("command", ["status", "history", "alerts"])
def test_what_reads_the_store_loads_no_links_no_reports_and_no_mail(command: str) -> None:
    unneeded = (
        "buddywatch.links.",
        "buddywatch.kernel_text",
        "buddywatch.explain",
        "smtplib",
        "ssl",
        "tomllib",
        "traceback",
        "shutil",
        "buddywatch.verdict.programs",
        "buddywatch.protocol.frame",
        "buddyd.wire",
    )
    found = {name for name in loaded(command) if name.startswith(unneeded)}
    assert found <= {"buddywatch.links.base"}


@pytest.mark.parametrize("command", ["status", "history", "alerts", "log", "db", "sql"])
def test_what_only_the_first_or_a_rare_start_needs_is_not_loaded(command: str) -> None:
    rare = {"buddywatch.store.first_schema", "buddywatch.store.journal_migration", "buddywatch.recorded", "html"}
    assert not {name for name in loaded(command) if name in rare}


def test_collect_loads_the_reader_of_shells_only_for_a_link_to_one() -> None:
    assert not {name for name in loaded("collect") if name.startswith("buddywatch.links.hush_shell")}
