"""What judging costs, counted: a snapshot that changes nothing is compared, and no more."""

from collections import Counter

import pytest
from boards import SEED_FREE, SEED_REBOOTED, boot, config, refused, snapshot
from buddywatch.alerts import signals
from buddywatch.config.sections import Need
from buddywatch.store.store import Store
from buddywatch.verdict import demands
from buddywatch.verdict.judge import Judge
from feeder import Feeder

NEEDS = (Need("rm", 61440), Need("ftpd", 8192), Need("sh", 4096))


@pytest.fixture
def calls(monkeypatch):
    """How often each function was called; it is called as it is."""
    counted = Counter()

    def count(of, name):
        function = getattr(of, name)

        def counting(*args):
            counted[name] += 1
            return function(*args)

        monkeypatch.setattr(of, name, counting)

    count(demands.Demands, "answers")
    count(signals, "need_signal")
    return counted


@pytest.fixture
def xp(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        feeder = Feeder(store, config(*NEEDS))
        feeder.feed(boot())
        yield feeder


def test_equal_blocks_are_judged_once(xp, calls):
    xp.feed(*map(snapshot, range(1, 51)))
    assert calls["answers"] == 1


def test_no_text_is_made_while_no_state_changes(xp, calls):
    xp.feed(snapshot(1))
    calls.clear()
    others = [(3 + seq, *SEED_REBOOTED[1:]) for seq in range(50)]
    xp.feed(*(snapshot(seq, others[seq]) for seq in range(2, 50)))
    assert calls == {"answers": 48}


def test_a_need_that_stays_refused_costs_no_more(xp, calls):
    xp.feed(*map(refused, range(1, 5)))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2)]
    calls.clear()
    others = [(30 + seq, *SEED_FREE[1:]) for seq in range(50)]
    xp.feed(*(snapshot(seq, others[seq]) for seq in range(5, 50)))
    assert calls == {"answers": 45}
    xp.feed(*map(snapshot, range(50, 60)))
    assert xp.changes("refused")[-1][1:3] == ("clearing", "ok")


def test_what_was_judged_of_one_board_is_not_judged_again_of_another_alike(tmp_path, monkeypatch):
    made = []
    states_of = Judge.states_of
    monkeypatch.setattr(Judge, "states_of", lambda judge, answers: made.append(answers) or states_of(judge, answers))
    needs = (*NEEDS, Need("only-here", 12288))
    with Store.open(tmp_path / "a.db") as store:
        for name in ("one", "other"):
            feeder = Feeder(store, config(*needs), name)
            others = [(3 + seq % 5, *SEED_REBOOTED[1:]) for seq in range(50)]
            feeder.feed(boot(), *(snapshot(seq, others[seq]) for seq in range(1, 50)))
            assert len(made) == len(set(made)) == 5
