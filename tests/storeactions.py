"""What may happen to the store of one board, and all that is ever read of it."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from boards import BOOT_ID, FACTS, SEED_FREE, START, boot, kernel_event, snapshot
from buddywatch.model.batch import VectorRow
from buddywatch.model.samples import Retime
from buddywatch.protocol.layout import Layout
from buddywatch.store import chunks, pack
from buddywatch.store.store import Store
from hypothesis import strategies as st

SECOND = "0000b002"
LAYOUT = Layout(FACTS)


@contextmanager
def small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "CHUNK_ROWS", 5)
        patch.setattr(pack, "KEPT_ROWS", 2)
        patch.setattr(chunks, "JOINED_CHUNKS", 3)
        patch.setattr(chunks, "FULL_ROWS", 12)
        yield


def new_store(folder):
    store = Store.open(folder / "a.db")
    store.add_boot("xp", boot())
    return store


def shot(seq, boot_id=BOOT_ID):
    return snapshot(seq, SEED_FREE if seq % 3 else snapshot(1).zones[0].nr_free, boot_id)


def everything(store):
    """All that is ever read of a board's snapshots."""
    return (
        list(store.snapshots("xp")),
        list(store.snapshots("xp", START + 35, START + 90)),
        list(store.vectors("xp", START + 20)),
        in_steps(store),
        [store.recent("xp", number) for number in (1, 3, 8, 99)],
        store.latest("xp"),
        store.resume("xp"),
        store.rules_history("xp"),
    )


def in_steps(store):
    """Summaries, where times ascend, as those of a collector do."""
    times = [one.time for one in store.snapshots("xp")]
    if times != sorted(times):
        return []
    return [*store.summaries("xp"), *store.summaries("xp", START + 35, START + 90, step_s=60)]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("shots"), st.lists(st.integers(1, 60), min_size=1, max_size=12)),
        st.tuples(st.just("run"), st.integers(1, 50)),
        st.tuples(st.just("second"), st.lists(st.integers(1, 12), min_size=1, max_size=9)),
        st.tuples(st.just("event"), st.integers(61, 70)),
        st.tuples(st.just("judged"), st.integers(1, 60)),
        st.tuples(st.just("retime"), st.tuples(st.just(0), st.just(999), st.integers(-9999, 50))),
        st.tuples(st.just("retime"), st.tuples(st.integers(0, 200), st.integers(0, 400), st.integers(-50, 50))),
        st.tuples(st.just("pack"), st.none()),
    ),
    max_size=14,
)


def act(store, what, value):
    if what == "shots":
        return [store.add_snapshot("xp", shot(seq)) for seq in value]
    if what == "run":
        seqs = range(value, value + 8)
        rows = [VectorRow(BOOT_ID, s, s, round(shot(s).time * 1000), LAYOUT.vector(shot(s))) for s in seqs]
        return store.add_vectors("xp", rows)
    if what == "second":
        store.add_boot("xp", boot(SECOND, "reboot", START + 400))
        return [store.add_snapshot("xp", replace(shot(seq, SECOND), time=START + 400 + seq)) for seq in value]
    if what == "event":
        return store.add_event("xp", kernel_event(value, value))
    if what == "judged":
        return store.set_judged({"xp": (BOOT_ID, value)})
    if what == "retime":
        first, last, by = value
        return store.retime("xp", Retime(BOOT_ID, first * 1000, last * 1000, START + by))
    return None
