"""`buddywatch export`, and that an import of it loses nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from boards import BOOT_ID, START, boot, kernel_event, refused, snapshot
from buddywatch.model.samples import BEFORE_CONTACT, ConsoleLine, Gap
from buddywatch.recorded import csv_table, export_stream, json_lines
from buddywatch.recorded.pieces import Line
from buddywatch.store.store import Store
from hypothesis import given
from hypothesis import strategies as st
from pasts import tell_story
from runner import Runner

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FORMS = ("--jsonl", "--csv", "--stream")


def brought_over(buddywatch: Runner, tmp_path: Path, form: str, *arguments: str) -> tuple[str, str]:
    """The export of a database, and the export of another one into which it was imported."""
    first, second = tmp_path / "first.export", tmp_path / "second.export"
    assert buddywatch("export", form, "--output", str(first), *arguments).code == 0
    other = replace_db(buddywatch, tmp_path / "other.db")
    done = other("import", str(first), "--json")
    assert done.code == 0 and done.json["unreadable"] == []
    assert other("export", form, "--output", str(second)).code == 0
    return first.read_text(), second.read_text()


def replace_db(buddywatch: Runner, db: Path) -> Runner:
    other = Runner(db.parent, buddywatch._capsys)
    other.db = db
    return other


@pytest.mark.parametrize("form", FORMS)
def test_export_of_an_import_is_the_same_bytes(buddywatch: Runner, tmp_path: Path, store: Store, form: str) -> None:
    tell_story(store)
    assert buddywatch("import", str(FIXTURES / "streams" / "xport-07.txt")).code == 0
    marks = ("--kernel", "2.6.30", "--min-kb", "280", "--interval", "5")
    assert buddywatch("import", str(FIXTURES / "traces" / "cron-a.tsv"), *marks).code == 0
    first, second = brought_over(buddywatch, tmp_path, form)
    assert first == second and len(first.splitlines()) > 1800


@pytest.mark.parametrize("form", FORMS)
def test_everything_that_a_board_may_have_comes_back(
    buddywatch: Runner, tmp_path: Path, store: Store, form: str
) -> None:
    store.add_boot("xp", boot(note="1"))
    for shot in (
        snapshot(4, frames=3),
        snapshot(5),
        refused(9),
        snapshot(20_000),
        replace(snapshot(20_001), time=START),
    ):
        store.add_snapshot("xp", shot)
    store.add_gap("xp", Gap(BOOT_ID, 1, 1, BEFORE_CONTACT, START - 5.25))
    store.add_gap("xp", Gap(BOOT_ID, 10, 19_999, "überschrieben", START))
    store.add_event("xp", kernel_event(6, 30_000))
    store.add_event("xp", replace(kernel_event(7, None), text="ä|~" + "x" * 300, comm="a b|c"))
    store.add_event("xp", replace(kernel_event(8, 40_005), kind="odd", number=None, pid=None, comm=None), copy=True)
    store.add_event("xp", kernel_event(None, 50_000))
    if form != "--stream":
        store.add_console("xp", ConsoleLine(START, 'a "quoted", text\x1b[2J'))
    first, second = brought_over(buddywatch, tmp_path, form)
    assert first == second
    with Store.open(tmp_path / "other.db") as other:
        for read in (Store.boots, Store.gaps, Store.events, Store.stored_events, Store.snapshots):
            assert list(read(other, "xp")) == list(read(store, "xp")), read
        assert other.console("xp") == store.console("xp")


def test_one_board_is_exported_alone_and_may_get_another_name(buddywatch: Runner, tmp_path: Path, store: Store) -> None:
    for name in ("a", "b"):
        store.add_boot(name, boot())
        store.add_snapshot(name, snapshot(1))
    out = buddywatch("export", "b", "--csv").out
    assert "b,0000b001" in out and "a,0000b001" not in out
    file = tmp_path / "b.csv"
    file.write_text(out)
    assert buddywatch("import", str(file), "--board", "c").code == 0
    assert store.boards() == ["a", "b", "c"]
    assert buddywatch("export", "nobody").code == 2


def test_csv_has_a_column_for_each_number(buddywatch: Runner, store: Store) -> None:
    tell_story(store)
    head, *lines = buddywatch("export", "--csv").lines
    columns = head.split(",")
    shot = dict(zip(columns, next(line for line in lines if line.startswith("snapshot")).split(","), strict=True))
    assert (shot["node0_DMA_min"], shot["node0_DMA_3"], shot["up"]) == ("90", "12", "1500")


def test_stream_can_be_read_as_any_stream(buddywatch: Runner, tmp_path: Path, store: Store) -> None:
    tell_story(store)
    file = tmp_path / "stream"
    assert buddywatch("export", "--stream", "--output", str(file)).code == 0
    done = buddywatch("decode", str(file))
    assert done.code == 0 and "12 frame" not in done.out and "6 snapshots" in done.lines[-1]


@pytest.mark.parametrize("form", FORMS)
def test_damaged_line_costs_itself_and_is_named(buddywatch: Runner, tmp_path: Path, store: Store, form: str) -> None:
    tell_story(store)
    lines = buddywatch("export", form).out.splitlines(keepends=True)
    at = max(i for i, line in enumerate(lines) if "snapshot" in line or line.startswith("~d"))
    lines[at] = "garbage\n"
    file = tmp_path / "export"
    file.write_text("".join(lines))
    other = replace_db(buddywatch, tmp_path / "other.db")
    unreadable = other("import", str(file), "--json").json["unreadable"]
    assert len(unreadable) == 1 and f"line {at + 1}:" in unreadable[0]


@given(st.sampled_from(FORMS), st.data())
def test_any_change_of_an_export_is_read_or_told(form: str, data: st.DataObject) -> None:
    boots = [boot()]
    items = [("xp", boots[0]), *(("xp", snapshot(seq)) for seq in range(1, 9))]
    lines = {
        "--jsonl": lambda: json_lines.write(items),
        "--csv": lambda: csv_table.write(boots, items),
        "--stream": lambda: export_stream.write(items),
    }[form]()
    known = list(lines)
    at = data.draw(st.integers(1, len(known) - 1))
    place = data.draw(st.integers(0, len(known[at])))
    known[at] = known[at][:place] + data.draw(st.text(max_size=5)) + known[at][place + data.draw(st.integers(0, 3)) :]
    read = {"--jsonl": json_lines.read, "--csv": csv_table.read, "--stream": export_stream.read}[form]
    assert list(read(Line(number, text) for number, text in enumerate(known, 1)))


def test_records_are_json_that_anybody_can_read(buddywatch: Runner, store: Store) -> None:
    tell_story(store)
    head, *records = map(json.loads, buddywatch("export").lines)
    assert head == {"buddywatch": "export", "version": 1}
    assert {record["kind"] for record in records} == {"boot", "snapshot", "event", "gap"}


# --- what an export must not do ---


def test_an_export_does_not_overwrite_the_database(buddywatch: Runner, tmp_path: Path, store: Store) -> None:
    tell_story(store)
    (tmp_path / "link").symlink_to(buddywatch.db)
    for name in (buddywatch.db, tmp_path / "link"):
        result = buddywatch("export", "--output", str(name))
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "the database itself" in result.err
    assert buddywatch("db", "check").lines == ["everything can be read"]


def test_an_export_that_fails_leaves_the_one_before(buddywatch: Runner, tmp_path: Path, store: Store) -> None:
    tell_story(store)
    target = tmp_path / "xp.jsonl"
    assert buddywatch("export", "--output", str(target)).code == 0
    before = target.read_text()
    buddywatch.db.with_name("xp.jsonl.part").mkdir()
    assert buddywatch("export", "--output", str(target)).code == 2
    assert target.read_text() == before
    assert buddywatch("export", "--output", "/dev/full").code == 2


def test_a_slow_reader_of_an_export_does_not_hold_the_log(buddywatch: Runner, store: Store) -> None:
    """Behind a pager an export may stand still for a day."""
    tell_story(store)
    with store.batch():
        for number in range(1200):
            store.add_console("xp", ConsoleLine(START + number, f"line {number}"))
            store.add_event("xp", kernel_event(1000 + number, 5000))
    with Store.open_readonly(buddywatch.db) as reader:
        slow = (reader.console_since("xp", 0.0), reader.stored_events("xp"))
        for one in slow:
            next(one)
        store.add_console("xp", ConsoleLine(START, "one more"))
        assert store._row("PRAGMA wal_checkpoint(TRUNCATE)") == (0, 0, 0)
        assert [len(list(one)) for one in slow] == [1200, 1200]
