"""Power cuts, kills and foreign programs while snapshots are packed: nothing that was stored is lost or doubled."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from boards import boot, snapshot
from buddywatch.store.store import Store, StoreBusy
from runner import ENV

ROWS = 700
PACKS = """
import sys
from buddywatch.store import chunks, pack
from buddywatch.store.store import Store
pack.CHUNK_ROWS, chunks.JOINED_CHUNKS, chunks.FULL_ROWS = 16, 4, 64
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    while store.pack_for(0):
        pass
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A database of which nothing is packed."""
    path = tmp_path_factory.mktemp("unpacked") / "a.db"
    with Store.open(path) as store, store.batch():
        store.add_boot("xp", boot())
        store.add_snapshots("xp", map(snapshot, range(1, ROWS + 1)))
    return path


def seqs(path):
    with Store.open(path) as store:
        assert store._row("PRAGMA integrity_check") == ("ok",)
        assert store.resume("xp").stored == ((1, ROWS),)
        return [shot.seq for shot in store.snapshots("xp")]


@pytest.mark.parametrize("seed", range(8))
def test_a_kill_while_packing_loses_and_doubles_nothing(unpacked, tmp_path, seed):
    path = tmp_path / "a.db"
    shutil.copy(unpacked, path)
    steps = random.Random(seed).randrange(1, 40)
    packer = subprocess.Popen(
        [sys.executable, "-c", PACKS, str(path)], env=ENV, stdout=subprocess.PIPE, start_new_session=True
    )
    assert packer.stdout is not None
    packer.stdout.readline()
    with closing(sqlite3.connect(path, isolation_level=None)) as watching:
        while packer.poll() is None:
            if watching.execute("SELECT count(*), max(id) FROM chunks").fetchone()[0] * 4 >= steps % 16:
                break
    packer.send_signal(signal.SIGKILL)
    packer.wait()
    packer.stdout.close()
    assert seqs(path) == list(range(1, ROWS + 1))
    with Store.open(path) as store:
        while store.pack_for(0):
            pass
    assert seqs(path) == list(range(1, ROWS + 1))


def test_a_foreign_lock_stops_packing_and_nothing_else(unpacked, tmp_path):
    path = tmp_path / "a.db"
    shutil.copy(unpacked, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, Store.open(path, busy_s=0.01) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.pack_for(0)
        other.execute("ROLLBACK")
        while store.pack_for(0):
            pass
    assert seqs(path) == list(range(1, ROWS + 1))


def test_a_full_disk_while_packing_changes_nothing(unpacked, tmp_path):
    path = tmp_path / "a.db"
    shutil.copy(unpacked, path)
    with Store.open(path) as store:
        pages = store._row("PRAGMA page_count")[0]
        store._run(f"PRAGMA max_page_count = {pages}")
        while store.pack_for(0):  # what the journal leaves has room for the chunks
            pass
        assert [shot.seq for shot in store.snapshots("xp")] == list(range(1, ROWS + 1))


def test_a_slow_reader_of_snapshots_and_events_does_not_hold_the_log(unpacked, tmp_path):
    path = tmp_path / "a.db"
    shutil.copy(unpacked, path)
    with Store.open_readonly(path) as reader, Store.open(path) as writer:
        slow = (reader.snapshots("xp"), reader.vectors("xp"), reader.summaries("xp"), reader.events("xp"))
        for one in slow:
            next(one, None)
        for seq in range(ROWS + 1, ROWS + 1001):
            writer.add_snapshot("xp", snapshot(seq))
        busy, _, _ = writer._row("PRAGMA wal_checkpoint(TRUNCATE)")
        assert busy == 0
        assert os.path.getsize(f"{path}-wal") == 0
