"""A board without entropy that gives its boots one id: after a reboot it is followed as another boot."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from buddyd import wire
from fleet_boards import Fleet, FleetBoard
from journalrows import journal_seqs
from system_parts import Collector
from waiting import DEADLINE_S

FRAMES = 400
INTERVAL_S = 0.4


class Rebooting(FleetBoard):
    oldest = FRAMES + 1  # its ring has overwritten those before

    def facts(self) -> Iterator[tuple[str, str]]:
        yield from super().facts()
        yield "oldest", str(self.oldest)

    def reboot(self, links_stay_open: bool) -> None:
        """Frames and uptime start again; the id is the same."""
        for peer in [] if links_stay_open else list(self._peers.values()):
            peer._close()
        self.go_on_behind(0)
        self.oldest = 1
        self.was_asked = False
        self._began_s += FRAMES * INTERVAL_S
        self._encoder = wire.Encoder(self.boot, len(self._vector), round(INTERVAL_S * 100), 1 << 20)


def newest(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as connection:
        sql = "SELECT boot_id, max(seq) FROM boots b JOIN journal j ON j.boot = b.id GROUP BY b.id"
        return dict(connection.execute(sql).fetchall())


@pytest.mark.parametrize("links_stay_open", [False, True], ids=["telnet", "serial"])
def test_a_reboot_with_the_same_id_is_another_boot(tmp_path: Path, links_stay_open: bool) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.write_text("")
    with Fleet(1, INTERVAL_S) as fleet:
        board = fleet.boards[0]
        board.__class__ = Rebooting
        board.go_on_behind(FRAMES)
        fleet.start_polls()
        with closing(Collector(db, config, [f"tcp://127.0.0.1:{board.port}"])) as collector:
            collector.wait_until_it_says(": open")
            assert fleet.run(DEADLINE_S, lambda: newest(db).get(board.boot, 0) > FRAMES + 5), collector.out
            board.reboot(links_stay_open)
            assert fleet.run(DEADLINE_S, lambda: newest(db).get(f"{board.boot}+2", 0) > 5), (newest(db), collector.out)
            assert collector.stop() == 0, collector.err
        assert journal_seqs(db, f"{board.boot}+2") == set(range(1, newest(db)[f"{board.boot}+2"] + 1))
        assert set(newest(db)) == {board.boot, f"{board.boot}+2"}
