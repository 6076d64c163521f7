"""The reference pages show the keys that the JSON really has, and what the store really takes."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import docs_pages
import pytest
from alert_facts import event, facts, incident, transition
from bench import store_sizes
from buddyd import wire
from buddywatch.model.forecasts import Forecast
from buddywatch.model.links import UnheardLink
from buddywatch.model.memory_map import MappedProgram, Rescue
from buddywatch.model.samples import Gap
from buddywatch.notify.message import compose
from buddywatch.store.store import Store
from docs_pages import DOCS, GUIDES, PROTOCOL, TOP
from runner import ENV, Runner

pytestmark = pytest.mark.xdist_group("docs_json")  # one worker: one recording is collected for all

REFERENCE = DOCS / "reference"
JSON_PAGE, MESSAGE_PAGE = REFERENCE / "json.md", REFERENCE / "hook-message.md"
JSON = [json.loads(block.text) for page in (JSON_PAGE, MESSAGE_PAGE) for block in docs_pages.blocks(page, "json")]
MISSED = range(100, 140)  # frames that are left out of the recording
UNHEARD = UnheardLink("tcp://10.0.0.9:2323", False, "10.0.0.9:2323: connection refused")
TOLERANCE = 0.1  # of bytes in a file: SQLite's versions differ


def shape(value: Any) -> Any:
    """The keys of a JSON value, those of all elements of a list together; None for anything else."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        merged: Any = None
        for item in value:
            merged = _merged(merged, shape(item))
        return [merged]
    return None


def _merged(one: Any, other: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one if other is None else other
    return {key: _merged(one.get(key), other.get(key)) for key in {**one, **other}}


def example(*keys: str) -> Any:
    """The example on the page that has these keys first."""
    (found,) = [value for value in JSON if tuple(value)[: len(keys)] == keys and keys]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made from a trace with failures, of which some frames are missing."""
    folder = tmp_path_factory.mktemp("docs")
    recording = folder / "stream"
    lines = store_sizes.stream("cron-a").splitlines()
    is_numbered = [line[1] in wire.NUMBERED for line in lines]
    first = is_numbered.index(True)
    kept = [line for number, line in enumerate(lines, 1 - first) if number not in MISSED]
    gap = wire.gap_line(store_sizes.BOOT, MISSED[0], MISSED[-1])
    recording.write_bytes(b"".join(bytes(line) + b"\n" for line in [*kept, gap]))
    argv = ["--db", str(folder / "buddywatch.db"), "collect", "--plain", f"file:{recording}"]
    store_sizes.run_buddywatch(argv)
    with Store.open(folder / "buddywatch.db") as store:  # a link that is up for less than a batch may leave no row
        store.link_state("cron-a", f"file:{recording}", False, 0.0)
        store.set_unheard(UNHEARD.url, UNHEARD)
    return folder


@pytest.fixture
def buddywatch(folder: Path, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(folder, capsys)


def test_no_example_is_left_out() -> None:
    assert {next(iter(value)) for value in JSON} == {"boards", "board", "alerts", "schema", "timeline"}
    assert len(JSON) == 7  # two are of history
    assert [page for page in GUIDES if docs_pages.blocks(page, "json")] == [MESSAGE_PAGE, JSON_PAGE]


def test_status_has_the_keys_of_the_example(buddywatch: Runner) -> None:
    true = buddywatch("status", "--json").json
    assert true["boards"][0]["gaps"]
    assert true["boards"][0]["alerts"]
    assert shape(example("boards")) == shape(true)


def test_status_in_words_has_the_lines_of_the_page(buddywatch: Runner) -> None:
    page = DOCS / "how-to" / "install-the-collector.md"
    (shown,) = [typed.output for typed in docs_pages.typed(page) if typed.line == "buddywatch status"]
    # The lines about the need are compared in tests/system/test_tutorial.py: here it is not refused.
    known = [line for line in shown.splitlines() if not docs_pages.ABOUT_NEED_OR_KERNEL.search(line)]
    true = {docs_pages.status_line(line) for line in buddywatch("status").out.splitlines()}
    assert len(known) == 6
    assert {docs_pages.status_line(line) for line in known} - true == set()


def histories() -> tuple[Any, Any]:
    """The examples of history: the rows as they are, and in steps."""
    found = [value for value in JSON if "rows" in value]
    assert len(found) == 2
    return found[0], found[1]


def test_history_has_the_keys_of_the_example(buddywatch: Runner) -> None:
    true = buddywatch("history", "cron-a", "--json").json
    assert true["gaps"]
    assert true["events"]
    assert shape(histories()[0]) == shape(true)


def test_history_in_steps_has_the_keys_of_the_example(buddywatch: Runner) -> None:
    true = buddywatch("history", "cron-a", "--step", "1m", "--json").json
    shown = histories()[1]
    assert list(shown) == list(true)
    assert shape(shown["rows"]) == shape(true["rows"])


def test_alerts_have_the_keys_of_the_example(buddywatch: Runner) -> None:
    assert buddywatch("silence", "cron-a", "refused", "--for", "2h", "--because", "test").code == 0
    true = buddywatch("alerts", "--json").json
    assert shape(example("alerts")) == shape(true)


def test_replay_has_the_keys_of_the_example(buddywatch: Runner) -> None:
    trace = TOP / "tests" / "fixtures" / "traces" / "cron-a.tsv"
    true = buddywatch("replay", str(trace), "--kernel", "2.6.30", "--min-kb", "280", "--json").json
    assert shape(example("timeline")) == shape(true)


def test_message_has_the_keys_of_the_example() -> None:
    changes = [transition("refused", "firing", "rm"), transition("lost", "noted")]
    gap = Gap("b00t1d", 43, 161, "overwritten", 0.0)
    told = facts(changes, incidents=(incident("refused", "rm"),), kernel_lines=(event(),), gaps=(gap,))
    rescue = Rescue("rm", (MappedProgram(31, "start-60k", 412, ((0x403C0, 15),)),), 4096, 0.0)
    told = replace(told, forecasts={"rm": Forecast("falling")}, rescues=(rescue,))
    true = json.loads(json.dumps(compose(told).payload))
    shown = example("schema")
    assert list(shown) == list(true)
    assert shape(shown | {"facts": None}) == shape(true | {"facts": None})
    hello = docs_pages.rows(docs_pages.section(PROTOCOL, "Hello"))
    assert set(shown["facts"]) <= {key for row in hello for key in docs_pages.code(row[0])}


def test_every_key_of_a_message_is_explained() -> None:
    table = docs_pages.rows(MESSAGE_PAGE.read_text())
    assert {key for row in table for key in docs_pages.code(row[0])} == set(example("schema"))


def test_explain_has_the_keys_that_the_page_names() -> None:
    (shown,) = [
        text
        for text in docs_pages.code(docs_pages.prose(DOCS / "how-to/explain-a-failure.md"))
        if text.startswith('{"kernel"')
    ]
    command = ["explain", "--json", "tests/fixtures/captures/frag-4k-bflt/dmesg.txt"]
    done = subprocess.run(
        [*store_sizes.BUDDYWATCH, *command], env=ENV, cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert shown == "{" + ", ".join(json.dumps(key) for key in json.loads(done.stdout)) + "}"


def test_every_key_of_an_answer_of_explain_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TOP / "tests/fixtures/reports/seed.txt"
    answer = Runner(tmp_path, capsys)("explain", "--json", "--need", "61440", str(text)).json
    true = set(answer["failures"][0]) | set(answer["needs"][0])
    table = docs_pages.rows(docs_pages.section(JSON_PAGE, "explain"))
    assert {key for row in table for key in docs_pages.code(row[0])} == true


def test_sizes_are_the_measured_ones() -> None:
    measured = store_sizes.measure("cron-a")
    (row,) = [
        row
        for row in docs_pages.rows(docs_pages.section(REFERENCE / "database.md", "Size"))
        if row[0] == measured.trace
    ]
    assert row[1:3] == [str(measured.snapshots), str(measured.events)]
    sizes = (measured.file_bytes, measured.packed_bytes, measured.all_bytes)
    for cell, value in zip(row[3:], sizes, strict=True):
        assert abs(float(cell.removesuffix(" bytes")) - value) <= TOLERANCE * value
