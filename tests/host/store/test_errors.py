"""What can go wrong with a file: each says so in one line that names the file and the way out, and loses nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from boards import boot, snapshot
from buddywatch.store.store import Store, StoreBusy, StoreError, StoreFull

TOP = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from boards import boot, snapshot
from buddywatch.store.store import Store

with Store.open(sys.argv[1]) as store:
    store.add_boot("xp", boot())
    for first in range(1, 1_000_000, 7):
        with store.batch():
            for seq in range(first, first + 7):
                store.add_snapshot("xp", snapshot(seq))
        print(first + 6, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


@pytest.fixture
def filled(path):
    with Store.open(path) as store:
        store.add_boot("xp", boot())
        with store.batch():
            for seq in range(1, 301):
                store.add_snapshot("xp", snapshot(seq))
    return path


def message_of(opener, path):
    with pytest.raises(StoreError) as caught:
        opener(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- a full disk ---


def fill_up(store):
    """Write batches until one does not fit; the number of the last snapshot of the last batch that did."""
    last = 0
    with pytest.raises(StoreFull, match=r"a\.db: disk full, nothing of the last batch was kept; make room"):
        while last < 1_000_000:
            with store.batch():
                for seq in range(last + 1, last + 51):
                    store.add_snapshot("xp", snapshot(seq))
            last += 50
    assert last > 0
    return last


def stored(store):
    return [shot.seq for shot in store.snapshots("xp")]


def test_full_database_keeps_whole_batches_and_goes_on_with_more_room(path):
    with Store.open(path) as store:
        store.add_boot("xp", boot())
        store._connection.execute("PRAGMA max_page_count = 200")
        last = fill_up(store)
        assert stored(store) == list(range(1, last + 1))
        store._connection.execute("PRAGMA max_page_count = 100000")
        with store.batch():
            assert store.add_snapshot("xp", snapshot(last + 1))
        assert stored(store) == list(range(1, last + 2))


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 500 kB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk_keeps_whole_batches_and_goes_on_with_more_room(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    with Store.open(small_disk / "a.db") as store:
        store.add_boot("xp", boot())
        last = fill_up(store)
        assert stored(store) == list(range(1, last + 1))
        ballast.unlink()
        with store.batch():
            assert store.add_snapshot("xp", snapshot(last + 1))
    with Store.open(small_disk / "a.db") as store:
        assert stored(store) == list(range(1, last + 2))


def test_opening_on_a_full_disk_says_so(small_disk):
    with suppress(OSError):
        (small_disk / "ballast").write_bytes(bytes(600_000))
    with pytest.raises(StoreFull, match="disk full"):
        Store.open(small_disk / "a.db")


# --- files that are none ---


@pytest.mark.parametrize("opener", [Store.open, Store.open_readonly], ids=["open", "open-readonly"])
@pytest.mark.parametrize(
    "content",
    [pytest.param(b"Node 0, zone DMA\n" * 500, id="text"), pytest.param(b"\x7fELF" + bytes(5000), id="program")],
)
def test_file_that_is_no_database_is_left_alone(path, opener, content):
    path.write_bytes(content)
    assert message_of(opener, path) == f"{path}: not a database; move it away, or name another file with --db"
    assert path.read_bytes() == content


def test_damaged_file_says_how_to_save_what_is_left(filled):
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(filled.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)  # the first page, the schema, is left whole
    filled.write_bytes(content)

    def use(path):
        with Store.open(path) as store:
            list(store.snapshots("xp"))

    assert message_of(use, filled).startswith(f"{filled}: damaged (")
    assert "`buddywatch db repair` saves what can be read" in message_of(use, filled)


def test_file_cut_short_says_how_to_save_what_is_left(filled):
    filled.write_bytes(filled.read_bytes()[: 4096 * 3])

    def use(path):
        with Store.open(path) as store:
            list(store.snapshots("xp"))

    assert "damaged" in message_of(use, filled)


def test_missing_folder_is_named_with_the_command_that_makes_it(tmp_path):
    path = tmp_path / "no" / "a.db"
    assert message_of(Store.open, path) == f"{path}: the folder does not exist; create it: mkdir -p {path.parent}"


def test_folder_in_place_of_the_file(tmp_path):
    assert message_of(Store.open, tmp_path) == f"{tmp_path}: a folder, expected a file; name a file with --db"


@pytest.mark.parametrize("content", [b"x", b"\n", b"SQLite format", b"SQLite format 4\0" + bytes(4080)])
@pytest.mark.parametrize("opener", [Store.open, Store.open_readonly])
def test_file_too_short_for_a_database_is_left_as_it_is(path, opener, content):
    path.write_bytes(content)
    assert message_of(opener, path) == f"{path}: not a database; move it away, or name another file with --db"
    assert path.read_bytes() == content


def test_empty_file_is_filled_by_the_collector_alone(path):
    path.touch()
    assert message_of(Store.open_readonly, path).startswith(f"{path}: empty; run `buddywatch collect` first")
    Store.open(path).close()
    Store.open_readonly(path).close()


def test_reading_where_nothing_was_collected_creates_nothing(path):
    assert message_of(Store.open_readonly, path).startswith(f"{path}: no such file; run `buddywatch collect` first")
    assert not path.exists()


def test_name_with_the_marks_of_an_address_is_only_a_name(tmp_path):
    path = tmp_path / "a?mode=ro#1%20.db"
    Store.open(path).close()
    assert path.exists()


# --- other people's files, other programs ---


@pytest.fixture
def unprivileged():
    """Be nobody in particular for a test, and then oneself again: root may do everything."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.fixture
def foreign_folder():
    """A folder that others may look into and not write to, with a database in it."""
    with tempfile.TemporaryDirectory(prefix="buddywatch-test-") as name:
        folder = Path(name)
        with Store.open(folder / "a.db") as store:
            store.add_boot("xp", boot())
        (folder / "a.db").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_file_that_may_not_be_written(foreign_folder, unprivileged):
    path = foreign_folder / "a.db"
    assert message_of(Store.open, path).endswith("make the file and its folder yours, or choose another with --db")


def test_folder_that_may_not_be_written(foreign_folder, unprivileged):
    path = foreign_folder / "new.db"
    assert message_of(Store.open, path).startswith(f"{path}: cannot be opened; make the file and its folder yours")


def test_database_held_by_another_program_is_busy_and_then_usable(filled):
    with closing(sqlite3.connect(filled, isolation_level=None)) as other, Store.open(filled, busy_s=0.05) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match=r"a\.db: locked by another program"), store.batch():
            store.add_snapshot("xp", snapshot(500))
        other.execute("ROLLBACK")
        with store.batch():
            assert store.add_snapshot("xp", snapshot(500))


def test_reader_and_writer_do_not_wait_for_each_other(filled):
    with Store.open(filled, busy_s=0) as writer, Store.open_readonly(filled, busy_s=0) as reader, writer.batch():
        writer.add_snapshot("xp", snapshot(500))
        assert len(stored(reader)) == 300


@pytest.mark.parametrize("opener", [Store.open, Store.open_readonly])
def test_second_connection_of_a_process_leaves_the_locks_of_the_first(filled, opener):
    """Without them a program that ends takes itself for the last one, and deletes the log that the first writes to."""
    with Store.open(filled) as store:
        store.add_boot("first", boot())
        opener(filled).close()
        look = f"import sqlite3; c = sqlite3.connect({str(filled)!r}); c.execute('SELECT * FROM boots'); c.close()"
        subprocess.run([sys.executable, "-c", look], check=True)
        store.add_boot("later", boot())
        with Store.open_readonly(filled) as reader:
            assert {"first", "later"} <= set(reader.boards())


def test_reader_can_not_write(filled):
    with Store.open_readonly(filled) as reader, pytest.raises(StoreError, match="no permission to write"):
        reader.add_snapshot("xp", snapshot(500))


def test_two_processes_may_make_the_same_database_at_once(path):
    opened, failed = [], []

    def open_it():
        try:
            Store.open(path).close()
            opened.append(True)
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), failed) == (6, [])


# --- a writer that is killed ---


def test_killed_writer_leaves_whole_batches_only(path):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(str(TOP / part) for part in ("agent", "host", "tests"))}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], env=env, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 700:
            break
    writer.send_signal(signal.SIGKILL)
    told = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    writer.wait()
    writer.stdout.close()
    with Store.open(path) as store:
        found = stored(store)
        assert found == list(range(1, len(found) + 1))
        assert len(found) % 7 == 0
        assert len(found) >= max([700, *told])
        assert store.add_snapshot("xp", snapshot(len(found) + 1))


# --- what is no file ---


@pytest.mark.parametrize("opener", [Store.open, Store.open_readonly])
def test_fifo_is_refused_instead_of_waited_for(path, opener):
    os.mkfifo(path)
    assert message_of(opener, path).endswith(": a FIFO, socket or device, expected a file; name a file with --db")
    assert message_of(opener, Path("/dev/null")).startswith("/dev/null: a FIFO, socket or device")
