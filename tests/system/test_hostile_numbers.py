"""A board that sends impossible numbers with a right check: it is reported, and the other board is not affected."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fleet_boards import Fleet, FleetBoard
from journalrows import change_journal, journal_seqs
from system_parts import Collector, buddywatch
from waiting import DEADLINE_S

LIE_CS = 9_999_999_999_999  # 3169 years


class Liar:
    """facts() of a board, with one that is no longer true."""

    def __init__(self, board: FleetBoard, key: str) -> None:
        self._facts, self._key = board.facts, key

    def __call__(self) -> Iterator[tuple[str, str]]:
        for key, value in self._facts():
            yield key, str(LIE_CS) if key == self._key else value


def both_are_heard(fleet: Fleet, collector: Collector, text: str = "") -> Callable[[], bool]:
    """Whether both boards were asked since now, and the collector has said the text."""
    for board in fleet.boards:
        board.was_asked = False
    before = len(fleet.boards[1].sent)

    def heard() -> bool:
        is_heard = all(board.was_asked for board in fleet.boards) and len(fleet.boards[1].sent) > before + 5
        return collector.process.poll() is not None or (is_heard and text in collector.out)

    return heard


@pytest.mark.parametrize("key", ["up", "interval_cs", "next"])
def test_a_number_that_cannot_be_stops_neither_collect_nor_status(tmp_path: Path, key: str) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.write_text("")
    with Fleet(2, 0.2) as fleet:
        liar, honest = fleet.boards
        liar.facts = Liar(liar, key)  # type: ignore[method-assign]
        links = [f"tcp://127.0.0.1:{board.port}" for board in fleet.boards]
        fleet.start_polls()
        for _ in range(2):  # a start that reads what is stored ends no earlier than the first
            with closing(Collector(db, config, links)) as collector:
                fleet.run(DEADLINE_S, both_are_heard(fleet, collector, "expected a whole number"))
                assert f"{liar.name}: hello with {key}='{LIE_CS}': expected a whole number, at most " in collector.out
                assert collector.stop() == 0, collector.err
        status = buddywatch(db, config, "status")
    assert status.code in (0, 1), status.err
    assert honest.name in status.out
    assert max(honest.sent) > 5


@pytest.mark.parametrize("stored_ms", [10**18, -(10**18)])
def test_times_that_an_older_collector_stored_end_no_command(tmp_path: Path, stored_ms: int) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.write_text("")
    with Fleet(2, 0.2) as fleet:
        damaged = fleet.boards[0]
        links = [f"tcp://127.0.0.1:{board.port}" for board in fleet.boards]
        fleet.start_polls()
        with closing(Collector(db, config, links)) as collector:
            fleet.run(DEADLINE_S, both_are_heard(fleet, collector))
            assert collector.stop() == 0
        with closing(sqlite3.connect(db)) as rows, rows:
            boot = "(SELECT id FROM boots WHERE board = ?)"
            rows.execute("UPDATE boots SET started_ms = ? WHERE board = ?", (stored_ms, damaged.name))
            rows.execute(f"UPDATE journal SET time_ms = ? WHERE boot = {boot}", (stored_ms, damaged.name))
        where = f"boot = (SELECT id FROM boots WHERE board = '{damaged.name}')"
        for seq in journal_seqs(db, damaged.boot):
            change_journal(db, seq, lambda row: row._replace(time_ms=stored_ms), where)
        with closing(Collector(db, config, links)) as collector:
            fleet.run(DEADLINE_S, both_are_heard(fleet, collector))
            assert collector.stop() == 0, collector.err
    for command in (
        ["status"],
        ["history", damaged.name],
        ["history", damaged.name, "--json"],
        ["log", damaged.name],
        ["alerts"],
    ):
        done = buddywatch(db, config, *command)
        assert "Traceback" not in done.err
        assert done.code in (0, 1), (command, done.err)
