"""A disk that is full, with a real file system, while chunks are closed, old data removed, the file made smaller."""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace

import pytest
from boards import START, boot, snapshot
from buddywatch.config.sections import Storage
from buddywatch.store import care, chunks, pack, repair
from buddywatch.store.store import Store, StoreError, StoreFull

ROWS = 3000
DAY_S = 86_400
NEVER = 10**9
DISK_BYTES = 4 << 20


@pytest.fixture
def disk(tmp_path):
    """A file system of its own: ext4 in a file. Under CI its tools must be there; mounting may not be allowed."""
    tools = [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name) is None]
    if tools:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"missing: {', '.join(tools)}")
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, folder], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def db(disk, monkeypatch):
    """A database on it, nothing of which is packed."""
    monkeypatch.setattr(pack, "CHUNK_ROWS", 100)
    monkeypatch.setattr(chunks, "JOINED_CHUNKS", 4)
    monkeypatch.setattr(chunks, "FULL_ROWS", 400)
    path = disk / "a.db"
    with Store.open(path) as store, store.batch():
        store.add_boot("xp", boot(started=START, interval_cs="6000"))
        store.add_snapshots("xp", (shot(number) for number in range(1, ROWS + 1)))
    return path


def shot(number):
    return replace(snapshot(number), time=START + 60 * number, uptime_ms=60_000 * number)


def fill(disk):
    """Leave no block free."""
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


def free(disk):
    (disk / "ballast").unlink()


def stored(path):
    with Store.open_readonly(path) as store:
        assert care.check(store, lambda share: None) == []
        return [one.seq for one in store.snapshots("xp")]


def pack_all(store):
    while store.pack_for(0):
        pass


def test_chunks_are_closed_when_there_is_room_again(disk, db):
    with Store.open(db) as store:
        fill(disk)
        with suppress(StoreFull):
            pack_all(store)
        free(disk)
        pack_all(store)
        assert store._row("SELECT count(*) FROM chunks")[0] > 3
    assert stored(db) == list(range(1, ROWS + 1))


def test_old_snapshots_become_summaries_when_there_is_room_again(disk, db):
    storage = Storage(keep_raw_s=DAY_S, keep_rollups_s=NEVER, keep_events_s=NEVER)
    with Store.open(db) as store:
        pack_all(store)
        days = list(store.summaries("xp", step_s=DAY_S))
        fill(disk)
        with suppress(StoreFull):
            while store.expire_for(0, storage, START + 60 * ROWS):
                pass
        free(disk)
        while store.expire_for(0, storage, START + 60 * ROWS):
            pass
        assert list(store.summaries("xp", step_s=DAY_S)) == days
    kept = stored(db)
    assert kept == list(range(kept[0], ROWS + 1)) and kept[0] > ROWS / 3


@pytest.mark.parametrize("work", ["compact", "repair", "backup"])
def test_care_that_finds_no_room_changes_nothing(disk, db, work):
    if work == "repair":
        with Store.open(db) as store:
            pack_all(store)
            store._run("UPDATE chunks SET body = x'00' WHERE id = (SELECT min(id) FROM chunks)")
            left = [one.seq for one in store.snapshots("xp")]
    else:
        left = list(range(1, ROWS + 1))
    fill(disk)
    with pytest.raises(StoreError) as error:
        if work == "repair":
            repair.repair(str(db), lambda share: None)
        else:
            with Store.open(db) as store:
                if work == "backup":
                    care.back_up(store, str(disk / "copy.db"), lambda share: None)
                else:
                    care.compact(store, lambda share: None)
    assert "\n" not in str(error.value) and "disk full" in str(error.value)
    free(disk)
    with Store.open_readonly(db) as store:
        assert [one.seq for one in store.snapshots("xp")] == left
    assert not {"a.db.repairing", "copy.db"} & set(os.listdir(disk))


def test_a_copy_of_the_file_in_the_middle_of_writing_is_whole_or_refused(disk, db):
    """`cp` of file and log while a collector writes: what was moved to the file already may lack what is in the log."""
    copy = disk / "copy.db"
    with Store.open(db) as store:
        for number in range(ROWS + 1, ROWS + 40):
            store.add_snapshot("xp", shot(number))
            for suffix in ("", "-wal"):
                shutil.copy(f"{db}{suffix}", f"{copy}{suffix}")
            with Store.open(copy) as copied:
                assert copied._row("PRAGMA integrity_check") == ("ok",)
                assert [one.seq for one in copied.snapshots("xp")] == list(range(1, number + 1))
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    os.unlink(f"{copy}{suffix}")
