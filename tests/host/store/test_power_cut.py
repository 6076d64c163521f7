"""A power cut at every page of the log: what is there then is all of what was stored up to some moment, and no more.

What is copied here is what a disk may hold after the cut: the file, and the log up to some byte (sqlite.org/wal.html).
"""

import pytest
from boards import BOOT_ID, START, boot, kernel_event, snapshot
from buddywatch.config.sections import Storage
from buddywatch.model.batch import Batch, StoredEvent
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.store import chunks, pack
from buddywatch.store.resume import FOLD_ROWS
from buddywatch.store.store import Store

FRAME_HEAD = 24  # of a page in the log: sqlite.org/fileformat2.html, 4.1
LOG_HEAD = 32
ROWS = 4  # of a batch
BATCHES = 14
LATER = "0000b002"
REMOVALS = 3  # the last steps


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pack, "CHUNK_ROWS", 8)
    monkeypatch.setattr(pack, "KEPT_ROWS", 4)
    monkeypatch.setattr(chunks, "JOINED_CHUNKS", 3)
    monkeypatch.setattr(chunks, "FULL_ROWS", 40)


def batch(number):
    """Some snapshots, an event and how far they are judged; now and then frames are lost or come late."""
    made, first = Batch(), 20 * number
    rows = made.of("xp")
    rows.snapshots += [snapshot(first + at) for at in range(1, ROWS + 1)]
    rows.events.append(StoredEvent(kernel_event(first + ROWS + 1, 5000 * first), False))
    if number % 3 == 2:
        rows.gaps.append(Gap(BOOT_ID, first + ROWS + 2, first + 20, OVERWRITTEN, START))
    if number % 4 == 3:
        rows.snapshots.insert(0, snapshot(first - 20 + ROWS + 3))
    rows.judged = (BOOT_ID, first + ROWS)
    return made


def state(store):
    """What a collector that starts again tells the board that it has, and what readers see."""
    resumed = store.resume("xp")
    found = resumed and (resumed.stored, resumed.lost, [edge.seq for edge in resumed.edges])
    return (
        found, [shot.seq for shot in store.snapshots("xp")], [event.seq for event in store.events("xp")],
        store.gaps("xp"), store.judged("xp", BOOT_ID), [one.samples for one in store.summaries("xp")],
    )  # fmt: skip


def steps(store):
    """Everything that a collector does to its database, one transaction after the other."""
    for number in range(BATCHES):
        yield lambda number=number: store.write(batch(number))
        if number % 3 == 1:
            yield lambda: store.pack_step(1)
        if number == 9:
            yield lambda: store.fold_ranges("xp", FOLD_ROWS)
    yield lambda: store.add_boot("xp", boot(LATER, "reboot"))
    yield lambda: store.pack_step(1)
    yield lambda: store._expire_raw(2**62)
    yield lambda: store._expire_events(2**60)
    yield lambda: store.expire_for(0.0, Storage(), START + 10 * 365 * 86_400)


@pytest.fixture
def told(tmp_path):
    """(the file, its log, [(bytes of the log, the state)] after each step)."""
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        store.add_boot("xp", boot())
        store._run("PRAGMA wal_checkpoint(TRUNCATE)")
        store._run("PRAGMA wal_autocheckpoint = 0")
        file, log, after = path.read_bytes(), tmp_path / "a.db-wal", [(0, state(store))]
        for step in steps(store):
            step()
            after.append((log.stat().st_size, state(store)))
        yield file, log.read_bytes(), after


@pytest.mark.slow
def test_a_cut_at_every_page_leaves_a_moment_of_the_past(told, tmp_path):
    file, log, after = told
    frame = FRAME_HEAD + int.from_bytes(file[16:18], "big")
    pages = (len(log) - LOG_HEAD) // frame
    assert pages > 150 and len({str(known) for _, known in after}) > 15
    cut = tmp_path / "cut.db"
    for page in range(pages + 1):
        for kept in (LOG_HEAD + page * frame, LOG_HEAD + page * frame - 7 - page % 900):
            for name in ("cut.db-wal", "cut.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
            cut.write_bytes(file)
            (tmp_path / "cut.db-wal").write_bytes(log[: max(0, kept)])
            expected = [known for size, known in after if size <= kept or not size][-1]
            with Store.open(cut) as store:
                assert state(store) == expected, f"cut at byte {kept} of {len(log)}"
    with Store.open(cut) as store:
        assert store._row("PRAGMA integrity_check") == ("ok",)


@pytest.mark.slow
def test_after_any_cut_the_rest_is_stored_again_and_is_the_same(told, tmp_path):
    """The board sends again what it was not told to be stored; what comes twice counts once."""
    file, log, after = told
    frame = FRAME_HEAD + int.from_bytes(file[16:18], "big")
    cut = tmp_path / "cut.db"
    size, whole = after[-1 - REMOVALS]
    for page in range(0, (size - LOG_HEAD) // frame, 5):
        for name in ("cut.db-wal", "cut.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        cut.write_bytes(file)
        (tmp_path / "cut.db-wal").write_bytes(log[: LOG_HEAD + page * frame])
        with Store.open(cut) as store:
            for number in range(BATCHES):
                store.write(batch(number))
            assert state(store)[1:4] == whole[1:4], f"cut at page {page}"
