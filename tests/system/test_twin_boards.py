"""Two boards with the same name: reported, kept apart, both judged, also after a restart."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from fleet_boards import Fleet
from system_parts import Collector, buddywatch
from waiting import DEADLINE_S

LONG_S = 120.0  # two boots must live side by side for longer than any link lags
Kept = dict[str, set[tuple[str, int]]]  # by board: boot id and newest frame


def rows(db: Path, sql: str) -> Kept:
    with closing(sqlite3.connect(db)) as connection:
        found: Kept = {}
        for board, boot_id, seq in connection.execute(sql):
            found.setdefault(board, set()).add((boot_id, seq))
        return found


def stored(db: Path) -> Kept:
    return rows(db, "SELECT board, boot_id, max(seq) FROM boots b JOIN journal j ON j.boot = b.id GROUP BY b.id")


def judged(db: Path) -> Kept:
    return rows(db, "SELECT j.board, boot_id, seq FROM judged j JOIN boots b ON b.id = j.boot")


def names_of(kept: Kept) -> dict[str, set[str]]:
    return {name: {boot_id for boot_id, _ in boots} for name, boots in kept.items()}


def both_go_on(db: Path, fleet: Fleet) -> Callable[[], bool]:
    """Whether frames that are made from now on are stored and judged of both boards."""
    begin = {board.boot: max(board.sent) for board in fleet.boards}

    def they_do() -> bool:
        return all(
            {boot_id for boots in kept.values() for boot_id, seq in boots if seq > begin[boot_id] + 3} == set(begin)
            for kept in (stored(db), judged(db))
        )

    return they_do


def test_two_boards_with_one_name_are_kept_apart(tmp_path: Path) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.write_text("")
    with Fleet(2, 0.4) as fleet:
        for board in fleet.boards:
            board.name = "xport"
        fleet.boards[1]._began_s -= 5000.0  # up for longer: nothing that an agent of the first could have made
        links = {board.boot: f"tcp://127.0.0.1:{board.port}" for board in fleet.boards}
        fleet.start_polls()
        with closing(Collector(db, config, links.values())) as collector:
            assert fleet.run(LONG_S, lambda: "two boards" in collector.out), collector.out
            assert fleet.run(DEADLINE_S, both_go_on(db, fleet)), (collector.out, collector.err)
            assert collector.stop() == 0, collector.err
        told = re.findall(
            "two boards call themselves xport: boot (.*) over (.*) and boot (.*) over (.*); (.*)", collector.out
        )
        ((first, first_url, second, second_url, rest),) = told
        assert {first: first_url, second: second_url} == links
        assert rest == (
            "the second is kept as xport-2 until one gets another name "
            "(?board=NAME in its link, or buddyd --name), "
            "and settings for xport apply to both"
        )
        apart = {"xport": {first}, "xport-2": {second}}
        assert names_of(stored(db)) == names_of(judged(db)) == apart

        with closing(Collector(db, config, links.values())) as collector:
            assert fleet.run(DEADLINE_S, both_go_on(db, fleet)), (collector.out, collector.err)
            assert collector.stop() == 0, collector.err
        assert "two boards" not in collector.out
        assert names_of(stored(db)) == names_of(judged(db)) == apart
    alerts = buddywatch(db, config, "alerts", "--json").json["alerts"]
    assert [alert["rule"] for alert in alerts] == []
    boards = buddywatch(db, config, "status", "--json").json["boards"]
    assert {board["name"]: board["boot_id"] for board in boards} == {"xport": first, "xport-2": second}
    assert [len(board["links"]) for board in boards] == [1, 1]
