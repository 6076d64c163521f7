"""What a command loads before it runs, counted in modules: their number makes most of the CPU time of its start."""

import json
import subprocess
import sys
from functools import cache

import pytest
from buddywatch.cli import COMMANDS

pytestmark = pytest.mark.xdist_group("start")  # one process counts for all of these tests

# Each command in a child, which shares what all commands load.
LOADED = """
import json, os, sys
before = set(sys.modules)
from buddywatch.cli import COMMANDS, build_parser
for command in COMMANDS:
    if os.fork() == 0:
        del json
        build_parser([command])
        names = sorted(set(sys.modules) - before)
        os.write(1, ('["%s", "%s"]\\n' % (command, " ".join(names))).encode())
        os._exit(0)
    os.wait()
"""
# Modules of buddywatch and of the agent, with room for five more.
MOST = {
    "init": 148,
    "collect": 219,
    "watch": 128,
    "serve": 164,
    "status": 88,
    "history": 92,
    "plot": 102,
    "report": 104,
    "map": 92,
    "who": 99,
    "log": 85,
    "console": 85,
    "run": 86,
    "get": 88,
    "put": 88,
    "alerts": 82,
    "silence": 82,
    "explain": 139,
    "doctor": 148,
    "need": 41,
    "agent": 34,
    "decode": 46,
    "import": 141,
    "export": 96,
    "replay": 193,
    "bridge": 96,
    "fleet": 113,
    "sql": 80,
    "db": 88,
    "forget": 86,
    "check-config": 76,
    "test-alert": 70,
}
READERS = ("status", "history", "alerts", "log", "db", "sql")
LARGE = {"statistics", "decimal", "email.message", "smtplib", "asyncio", "uuid"}
NEEDED = {"bridge": {"email.message"}, "fleet": {"email.message"}}  # by http.client


@cache
def loaded() -> dict[str, set[str]]:
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    return {command: set(names.split()) for command, names in map(json.loads, found.stdout.splitlines())}


def test_each_command_is_counted() -> None:
    assert set(loaded()) == set(MOST) == set(COMMANDS)


@pytest.mark.parametrize(("command", "most"), MOST.items())
def test_a_command_loads_what_it_needs(command: str, most: int) -> None:
    own = {name for name in loaded()[command] if name.startswith(("buddywatch", "buddyd"))}
    assert len(own) <= most, sorted(own)
    assert not loaded()[command] & LARGE - NEEDED.get(command, set())


@pytest.mark.parametrize("command", ["status", "history", "alerts"])
def test_what_reads_the_store_loads_no_links_no_reports_and_no_mail(command: str) -> None:
    unneeded = (
        "buddywatch.links.",
        "buddywatch.kernel_text",
        "buddywatch.explain",
        "ssl",
        "tomllib",
        "traceback",
        "shutil",
        "buddywatch.verdict.programs",
        "buddywatch.protocol.frame",
        "buddyd.wire",
    )
    found = {name for name in loaded()[command] if name.startswith(unneeded)}
    assert found <= {"buddywatch.links.base"}


@pytest.mark.parametrize("command", READERS)
def test_what_only_the_first_or_a_rare_start_needs_is_not_loaded(command: str) -> None:
    rare = {"buddywatch.store.first_schema", "buddywatch.store.journal_migration", "buddywatch.recorded", "html"}
    assert not loaded()[command] & rare


def test_collect_loads_the_reader_of_shells_only_for_a_link_to_one() -> None:
    assert not {name for name in loaded()["collect"] if name.startswith("buddywatch.links.hush_shell")}


def test_what_explains_is_loaded_only_for_an_alert() -> None:
    explaining = {"serve", "report", "doctor", "import", "init"}
    assert not {name for command in explaining for name in loaded()[command] if name.startswith("buddywatch.explain")}
