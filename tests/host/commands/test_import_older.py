"""Recordings may be imported in any order: what is stored is what it would be if the oldest had come first."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from boards import START, boot, kernel_event, snapshot
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.store.lock import alone
from buddywatch.store.store import Store
from runner import Runner

LIFE_S = 40_000.0
ROWS = 330  # of each boot: some are packed
FORMS = ("--jsonl", "--csv", "--stream")
LIVES = (("0000b001", "first", "-"), ("0000b002", "reboot", "kb-2"), ("0000b003", "agent-restart", "kb-2"))


def tell(store: Store, number: int) -> None:
    """One life of the board."""
    boot_id, cause, kboot = LIVES[number]
    started = START + number * LIFE_S
    store.add_boot("xp", boot(boot_id, cause, started=started, kboot=kboot))
    shots = [replace(snapshot(seq, boot_id=boot_id), time=started + 5 * seq) for seq in range(1, ROWS)]
    store.add_snapshots("xp", shots)
    event = replace(kernel_event(ROWS, 30_000 + number), boot_id=boot_id, time=started + 3600)
    store.add_event("xp", event)
    store.add_event("xp", replace(event, seq=ROWS + 1), copy=True)
    store.add_gap("xp", Gap(boot_id, ROWS + 5, ROWS + 7 + number, OVERWRITTEN, started + 3700))


def beside(buddywatch: Runner, db: Path) -> Runner:
    other = Runner(db.parent, buddywatch._capsys)
    other.db = db
    return other


@pytest.fixture
def lives(buddywatch: Runner, tmp_path: Path):
    """The exports of each life of the board, and of all of it, in this form."""

    def made(form: str) -> tuple[list[Path], str]:
        exports = []
        for number in range(len(LIVES)):
            with Store.open(tmp_path / f"{form}{number}.db") as store, store.batch():
                tell(store, number)
            exports.append(tmp_path / f"{number}.export")
            one = beside(buddywatch, tmp_path / f"{form}{number}.db")
            assert one("export", form, "--output", str(exports[-1])).code == 0
        with Store.open(buddywatch.db) as store, store.batch():
            for number in range(len(LIVES)):
                tell(store, number)
        return exports, buddywatch("export", form).out

    return made


def all_of(store: Store) -> list[object]:
    """What readers see; ids have no meaning, but those of boots have an order."""
    of_kernel = "(SELECT boot_id FROM boots k WHERE k.id = b.kernel)"
    return [
        store.boots("xp"), list(store.snapshots("xp")), sorted(map(str, store.stored_events("xp"))), store.gaps("xp"),
        store.losses("xp"), store.latest("xp"), store.resume("xp"), list(store.summaries("xp")),
        list(store._rows(f"SELECT boot_id, {of_kernel} FROM boots b ORDER BY id")),
        list(store._rows(f"SELECT e.seq, {of_kernel.replace('b.kernel', 'e.kernel')} FROM events e JOIN boots b "
                         "ON b.id = e.boot ORDER BY b.id, e.seq")),
        store._row("SELECT count(*) FROM chunks WHERE body IS NOT NULL"),
        [judged for _, judged in store.rules_history("xp").boots],
        sorted(map(str, store.rules_history("xp").kernel_events)),
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_is_imported_in_any_order_is_the_same_bytes(buddywatch: Runner, tmp_path: Path, lives, form: str) -> None:
    exports, whole = lives(form)
    expected = None
    for order in permutations(range(len(LIVES))):
        db = tmp_path / f"{order}.db"
        other = beside(buddywatch, db)
        for number in order:
            done = other("import", str(exports[number]), "--json")
            assert done.code == 0 and done.json["xp"]["new_snapshots"] == ROWS - 1, done.err
        assert other("export", form).out == whole, order
        again = other("import", *map(str, exports), "--json")
        assert again.json["xp"]["new_snapshots"] == 0
        assert other("db", "check").code == 0
        with Store.open(db) as store:
            found = all_of(store)
        expected = expected or found
        assert found == expected, order


def test_older_data_among_other_boards_are_put_between_boots(buddywatch: Runner, tmp_path: Path, lives) -> None:
    """Ids between the two are taken by another board, so that the later boot gets another one."""
    exports, whole = lives("--jsonl")
    other = beside(buddywatch, tmp_path / "other.db")
    for number, board in ((0, "xp"), (0, "yp"), (2, "xp"), (2, "yp"), (1, "xp"), (1, "yp")):
        assert other("import", str(exports[number]), "--board", board).code == 0
    assert other("export", "xp").out == whole
    assert other("export", "yp").out.replace('"yp"', '"xp"') == whole


def test_a_collector_that_runs_keeps_the_ids_of_its_boots(buddywatch: Runner, tmp_path: Path, lives) -> None:
    exports, _ = lives("--jsonl")
    other = beside(buddywatch, tmp_path / "other.db")
    for number, board in ((0, "xp"), (0, "yp"), (2, "xp")):
        assert other("import", str(exports[number]), "--board", board).code == 0
    before = other("export").out
    with alone(other.db):
        done = other("import", str(exports[1]))
        assert done.code == 3 and "collect" in done.err and len(done.err.splitlines()) == 1
        assert other("export").out == before
    assert other("import", str(exports[1])).code == 0


def test_what_comes_before_all_else_is_let_in_beside_a_collector(buddywatch: Runner, tmp_path: Path, lives) -> None:
    exports, whole = lives("--jsonl")
    other = beside(buddywatch, tmp_path / "other.db")
    assert other("import", str(exports[2])).code == 0
    with alone(other.db):
        for number in (1, 0):
            assert other("import", str(exports[number])).code == 0
    assert other("export").out == whole
