"""A snapshot that comes as the numbers of the wire is stored like one that comes as a Snapshot."""

import pytest
from boards import BOOT_ID, FACTS, SEED_FREE, boot, snapshot
from buddywatch.model.batch import Batch, VectorRow
from buddywatch.protocol.layout import Layout
from buddywatch.store.store import Store


def test_vectors_are_stored_like_snapshots(tmp_path):
    layout = Layout(FACTS)
    shots = [snapshot(1), snapshot(4, SEED_FREE, frames=3), snapshot(5)]
    rows = [VectorRow(BOOT_ID, s.first_seq, s.seq, round(s.time * 1000), layout.vector(s)) for s in shots]
    batch = Batch()
    batch.of("xp").boots.append(boot())
    batch.of("xp").vectors += rows
    batch.of("xp").snapshots.append(shots[0])
    assert len(batch) == 5
    with Store.open(tmp_path / "a.db") as store:
        store.write(batch)
        assert list(store.snapshots("xp")) == shots
        assert store.add_vectors("xp", rows) == 0
        with pytest.raises(ValueError, match="snapshot 6 has 1 numbers, expected 20"):
            store.add_vectors("xp", [VectorRow(BOOT_ID, 6, 6, 1, [1])])
        assert store.latest("xp") == shots[-1]
