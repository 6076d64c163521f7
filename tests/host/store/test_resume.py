"""What a collector that starts again must know: right in whatever order rows came, and cheap however many there are."""

import pytest
from boards import BOOT_ID, FACTS, boot, fill_with_holes, kernel_event, snapshot
from buddywatch.model.batch import Batch, VectorRow
from buddywatch.model.samples import ResumeState
from buddywatch.protocol.layout import Layout
from buddywatch.protocol.segment import segments_of
from buddywatch.store import resume
from buddywatch.store.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = 200_000
STEPS_PER_CALL = 100


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        store.add_boot("xp", boot())
        yield store


def steps_of_resume(store):
    """Of SQLite's virtual machine, and what was resumed."""
    calls = 0

    def count():
        nonlocal calls
        calls += 1
        return 0

    store._connection.set_progress_handler(count, STEPS_PER_CALL)
    state = store.resume("xp")
    store._connection.set_progress_handler(None, 0)
    return calls * STEPS_PER_CALL, state


def write(store, seqs):
    batch = Batch()
    batch.of("xp").snapshots.extend(snapshot(seq) for seq in seqs)
    store.write(batch)


def test_resume_gives_ranges_gaps_and_the_snapshots_at_their_ends(store):
    fill_with_holes(store)
    edges = (snapshot(7), snapshot(12))
    firsts = (snapshot(5, frames=2), snapshot(12))
    assert store.resume("xp") == ResumeState(boot(), ((4, 7), (12, 12)), ((1, 3),), edges, firsts=firsts)


def test_resume_of_events_alone_has_no_edge(store):
    store.add_event("xp", kernel_event(1, 5000))
    assert store.resume("xp") == ResumeState(boot(), ((1, 1),), (), ())


def test_resume_knows_the_boots_before(store):
    fill_with_holes(store)
    store.add_boot("xp", boot("0000b002", "reboot"))
    assert store.resume("xp") == ResumeState(boot("0000b002", "reboot"), (), (), (), {BOOT_ID: 12})


def test_resume_of_an_unknown_board_is_none(store):
    assert store.resume("nobody") is None


@settings(max_examples=60)
@given(
    st.permutations(range(1, 30)).flatmap(lambda order: st.integers(0, 29).map(lambda count: order[:count])),
    st.sets(st.integers(1, 29)),
    st.integers(1, 5),
)
def test_resume_gives_the_same_ranges_in_whatever_order_rows_came(tmp_path_factory, order, events, rows):
    """events: those of the numbers that are events; rows: how many are written between two folds."""
    with Store.open(tmp_path_factory.mktemp("any") / "a.db") as store, store.batch():
        store.add_boot("xp", boot())
        for at, seq in enumerate(order, 1):
            if seq in events:
                store.add_event("xp", kernel_event(seq, seq * 5000))
            else:
                store.add_snapshot("xp", snapshot(seq))
            if at % rows == 0:
                store.fold_ranges("xp", resume.FOLD_ROWS)
        state = store.resume("xp")
        assert [seq for first, last in state.stored for seq in range(first, last + 1)] == sorted(order)
        assert all(after[0] > before[1] + 1 for before, after in zip(state.stored, state.stored[1:], strict=False))
        snapshots = [[n for n in range(first, last + 1) if n not in events] for first, last in state.stored]
        assert [edge.seq for edge in state.edges] == [numbers[-1] for numbers in snapshots if numbers]
        assert [edge.seq for edge in state.firsts] == [numbers[0] for numbers in snapshots if numbers]


@pytest.mark.slow
def test_resume_does_not_read_what_is_stored(store):
    """Of 200,000 snapshots with ten holes; then a few more come, one of them into a hole."""
    write(store, [1])
    vector = Layout(FACTS).vector(snapshot(1))
    rows = [VectorRow("", seq, seq, seq, vector) for seq in range(2, ROWS) if seq % (ROWS // 10)]
    segments = [one for row in rows for one in segments_of([row], 500)]
    with store.batch():
        values = [(1, one.seq, one.first_seq, *one[2:]) for one in segments]
        store._connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", values)
    whole, state = steps_of_resume(store)
    assert whole > ROWS
    assert len(state.stored) == 10

    store.fold_ranges("xp", resume.FOLD_ROWS)
    write(store, [ROWS // 10, *range(ROWS + 1, ROWS + 101)])
    steps, state = steps_of_resume(store)
    assert steps < whole / 100
    assert len(state.stored) == 10
    assert state.stored[0] == (1, 2 * ROWS // 10 - 1)
    assert state.stored[-1] == (ROWS + 1, ROWS + 100)


def test_batches_keep_the_cost_of_resuming_small(store):
    for first in range(1, 6 * resume.FOLD_ROWS, 100):
        write(store, range(first, first + 100))
    few, _ = steps_of_resume(store)
    statements = []
    store._connection.set_trace_callback(statements.append)
    for first in range(6 * resume.FOLD_ROWS + 1, 12 * resume.FOLD_ROWS, 100):
        write(store, range(first, first + 100))
    store._connection.set_trace_callback(None)
    assert sum("INTO stored_ranges" in statement for statement in statements) == 6
    many, state = steps_of_resume(store)
    assert state.stored == ((1, 12 * resume.FOLD_ROWS),)
    assert many < few + 50 * resume.FOLD_ROWS


def test_a_batch_that_fails_takes_its_ranges_with_it(store):
    with pytest.raises(RuntimeError), store.batch():
        for seq in range(1, resume.FOLD_ROWS + 1):
            store.add_snapshot("xp", snapshot(seq))
        store.fold_ranges("xp", resume.FOLD_ROWS)
        raise RuntimeError
    assert store.resume("xp").stored == ()
