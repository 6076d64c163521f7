"""What a mail says about the day before."""

from dataclasses import replace

from boards import FACTS, SEED_FREE, START, boot, snapshot
from buddywatch.config.sections import Board
from buddywatch.notify.yesterday import DAY_S, NEAR_S, since_yesterday
from buddywatch.store.store import Store
from buddywatch.verdict.judge import board_state

NOW = replace(snapshot(20_000, SEED_FREE), time=START + 100_000, uptime_ms=100_000_000)


def said(tmp_path, ago_s=DAY_S, **then):
    with Store.open(tmp_path / "a.db") as store:
        store.add_boot("xp", boot())
        store.add_snapshot("xp", replace(snapshot(5), time=NOW.time - ago_s, uptime_ms=13_600_000, **then))
        store.add_snapshot("xp", NOW)
        return since_yesterday(store, "xp", NOW, board_state(NOW, FACTS, ()), Board("xp"), FACTS)


def test_memory_then_and_now_and_the_programs_started(tmp_path):
    assert said(tmp_path) == (
        "largest request that succeeds: 2048 kB yesterday, 32 kB now",
        "free memory: 3192 kB yesterday, 3284 kB now",
        "19995 programs started since then",
    )


def test_nothing_is_said_where_nothing_is_known_of_yesterday(tmp_path):
    assert said(tmp_path, DAY_S + NEAR_S + 1) == ()


def test_programs_of_an_earlier_boot_are_not_counted(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        store.add_boot("xp", boot())
        store.add_snapshot("xp", replace(snapshot(5), time=NOW.time - DAY_S, uptime_ms=99_000_000))
        lines = since_yesterday(store, "xp", NOW, board_state(NOW, FACTS, ()), Board("xp"), FACTS)
    assert len(lines) == 2 and not any("programs" in line for line in lines)
