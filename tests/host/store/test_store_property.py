"""Two programs write, pack, repair and compact one file, in any order; a third was never packed. All read the same."""

from contextlib import ExitStack

import pytest
from boards import START
from buddywatch.store import care, repair
from buddywatch.store.chronicle import chronicle
from buddywatch.store.store import Store
from buddywatch.store.summaries import DAY_S
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from storeactions import ACTIONS, act, everything, new_store, small_chunks

WHO = st.integers(0, 1)
CARE = st.sampled_from(["pack", "step", "repair", "compact", "read", "reopen"])
STEPS = st.lists(st.one_of(st.tuples(WHO, ACTIONS.filter(bool)), st.tuples(WHO, CARE)), max_size=10)


class Pair:
    """The packed file, as two programs see it, and the plain one."""

    def __init__(self, folder, stack):
        self._folder, self._stack = folder, stack
        (folder / "packed").mkdir()
        (folder / "plain").mkdir()
        self.plain = stack.enter_context(new_store(folder / "plain"))
        new_store(folder / "packed").close()
        self.both = []
        self.is_same = True  # whether each found new what the other one found new
        self.reopen()

    def reopen(self):
        for store in self.both:
            store.close()
        self.both = [self._stack.enter_context(Store.open(self._folder / "packed" / "a.db")) for _ in range(2)]

    def act(self, who, actions):
        for what, value in actions:
            with self.both[who].batch(), self.plain.batch():
                self.is_same &= act(self.both[who], what, value) == act(self.plain, what, value)
            if what == "pack":
                self.care(who, "step")

    def care(self, who, what):
        store = self.both[who]
        if what == "pack":
            store.look_again()
            while store.pack_for(0):
                pass
        elif what == "step":
            for (key,) in list(store._rows("SELECT id FROM boots")):
                store.pack_step(key)
        elif what == "read":
            assert everything(store) == everything(self.plain)
        elif what in ("repair", "compact"):
            for one in self.both:
                one.close()
            path = self._folder / "packed" / "a.db"
            if what == "repair":
                assert repair.repair(str(path), lambda share: None).losses == []
            else:
                with Store.open(path) as alone:
                    care.compact(alone, lambda share: None)
            self.both = [self._stack.enter_context(Store.open(path)) for _ in range(2)]
        else:
            self.reopen()


@pytest.fixture(autouse=True, scope="module")
def small_chunks_and_repairs_of_what_is_sound():
    with small_chunks(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "_is_sound", lambda *_: False)
        yield


@pytest.mark.slow
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(STEPS)
def test_whatever_is_done_to_a_file_by_two_programs_reads_the_same(tmp_path_factory, steps):
    with ExitStack() as stack:
        pair = Pair(tmp_path_factory.mktemp("pair"), stack)
        for who, what in steps:
            pair.care(who, what) if isinstance(what, str) else pair.act(who, what)
            assert pair.is_same
        for store in pair.both:
            assert everything(store) == everything(pair.plain)
            assert list(chronicle(store, "xp")) == list(chronicle(pair.plain, "xp"))
            assert care.check(store, lambda share: None) == []


# A frame that came late lies within a chunk whose rows are removed.
LATE_WITHIN_A_REMOVED_CHUNK = (
    [(0, [("shots", [3, 42])])], -10, [(0, [("second", [4]), ("pack", None)]), (0, [("shots", [18])])], 267
)  # fmt: skip


# The other program has read the rows of a chunk that is removed then; a frame within it comes late to both.
KNOWN_TO_THE_OTHER = (
    [
        (0, [("run", 36), ("shots", [51, 49, 59, 60, 50, 32, 27, 33, 56, 11, 1, 28])]),
        (0, "pack"),
        (0, [("run", 5)]),
        (0, "pack"),
        (1, [("shots", [35])]),
    ],
    291,
    [(0, [("shots", [34])])],
    34,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@example(*LATE_WITHIN_A_REMOVED_CHUNK)
@example(*KNOWN_TO_THE_OTHER)
@given(STEPS, st.integers(-10, 400), STEPS, st.integers(-10, 400))
def test_what_is_removed_leaves_exact_days_and_is_not_stored_again(tmp_path_factory, before, first_s, after, second_s):
    with ExitStack() as stack:
        pair = Pair(tmp_path_factory.mktemp("pair"), stack)
        for steps, until_s in ((before, first_s), (after, second_s)):
            for who, what in steps:
                if isinstance(what, str):
                    pair.care(who, "pack" if what == "read" else what)
                else:
                    pair.act(who, [one for one in what if one[0] != "retime"])
            for store in pair.both:
                while store._expire_raw(round(1000 * (START + until_s))):
                    pass
        known = list(pair.plain.snapshots("xp"))
        for store in pair.both:
            assert care.check(store, lambda share: None) == []
            assert {(one.boot_id, one.seq) for one in store.snapshots("xp")} <= {
                (one.boot_id, one.seq) for one in known
            }
            assert not any(store.add_snapshot("xp", one) for one in known)
            if not pair.is_same:
                continue  # what came after the removal may have been there before, and is not let in
            assert store.resume("xp") is None or store.resume("xp").stored == pair.plain.resume("xp").stored
            times = [one.time for one in known]
            if times == sorted(times):
                days = [list(one.summaries("xp", step_s=DAY_S)) for one in (store, pair.plain)]
                assert days[0] == days[1]
