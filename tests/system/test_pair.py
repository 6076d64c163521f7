"""Two collectors that hear the same boards: equal samples, and one warning, also when one is killed."""

import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from buddywatch.fleet.pair import CLOCKS_S
from buddywatch.store.store import Store
from fleet import Waiting
from fleet_boards import Fleet, FleetBoard
from metricengine import flush, free_port, victoria_metrics
from system_parts import Collector, buddywatch
from waiting import DEADLINE_S

BOARDS, INTERVAL_S = 2, 0.25
AFTER_S = 6  # the spare waits so long, and decides by what the first one pushed meanwhile
SOME = 20  # snapshots

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pair")]

CONFIG = """
[collector]
links = [{links}]
[alert]
batch = 0
[[receiver]]
name = "told"
file = "{role}.told"
[[bridge]]
name = "hq"
url = "{url}/write"
site = "roof"
every = 1
lag = 1
[fleet]
url = "{url}"
[pair]
role = "{role}"
after = {after}
"""


class Two:
    """Both collectors. told(role): the boards that it warned of."""

    def __init__(self, folder: Path, fleet: Fleet, url: str) -> None:
        self.folder, self.fleet, self.url = folder, fleet, url
        self.running: dict[str, Collector] = {}
        links = ", ".join(f'"tcp://127.0.0.1:{board.port}"' for board in fleet.boards)
        for role in ("first", "spare"):
            text = CONFIG.format(links=links, role=role, url=url, after=AFTER_S)
            self.config(role).write_text(text)

    def config(self, role: str) -> Path:
        return self.folder / f"{role}.toml"

    def db(self, role: str) -> Path:
        return self.folder / f"{role}.db"

    def start(self, role: str) -> None:
        self.running[role] = Collector(self.db(role), self.config(role), ["--plain"])

    def told(self, role: str) -> set[str]:
        with suppress(FileNotFoundError):
            lines = (self.folder / f"{role}.told").read_text().splitlines()
            return {json.loads(line)["board"] for line in lines if "Allocation" in line}
        return set()

    def play(self, until: Callable[[], bool], what: str) -> None:
        said = {role: collector.out[-1500:] + collector.err for role, collector in self.running.items()}
        assert self.fleet.run(DEADLINE_S, until), f"{what}: {said}"

    def pushed(self) -> dict[str, dict[int, float]]:
        """By board: {uptime in ms: free blocks of one page}; a snapshot that is there twice is an error."""
        flush(self.url)
        found: dict[str, dict[str, dict[int, float]]] = {}
        for name in ("buddywatch_board_uptime_seconds", 'buddywatch_board_free_blocks{order="0"}'):
            with urllib.request.urlopen(f"{self.url}/api/v1/export?match[]={name}", timeout=60) as answer:
                for line in map(json.loads, answer):
                    values = dict(zip(line["timestamps"], line["values"], strict=True))
                    assert len(values) == len(line["values"])
                    found.setdefault(line["metric"]["board"], {})[line["metric"]["__name__"]] = values
        shown = {}
        for board, series in found.items():
            uptimes, blocks = series["buddywatch_board_uptime_seconds"], series["buddywatch_board_free_blocks"]
            assert uptimes.keys() == blocks.keys() and len(set(uptimes.values())) == len(uptimes)
            shown[board] = {round(1000 * uptimes[at]): blocks[at] for at in uptimes}
        return shown

    def stored(self, role: str) -> dict[str, dict[int, float]]:
        with Store.open_readonly(self.db(role)) as store:
            return {
                board: {shot.uptime_ms: shot.zones[0].nr_free[0] for shot in store.snapshots(board)}
                for board in store.boards()
            }

    def has_all(self, role: str, boards: list[FleetBoard]) -> Callable[[], bool]:
        waiting = Waiting(self.db(role), boards)
        return lambda: waiting.missing() == 0

    def close(self) -> None:
        for collector in self.running.values():
            collector.close()


def test_each_snapshot_is_there_once_and_each_alert_is_told_once_though_the_first_is_killed(tmp_path: Path) -> None:
    with Fleet(BOARDS, INTERVAL_S) as fleet, victoria_metrics(tmp_path, free_port()) as url:
        two = Two(tmp_path, fleet, url)
        one, other = (board.name for board in fleet.boards)
        try:
            two.start("first")
            two.start("spare")
            two.play(lambda: all(len(board._peers) == 2 for board in fleet.boards), "both hear both boards")
            fleet.start_polls()
            two.play(lambda: len(two.pushed()) == BOARDS, "the first one pushes")
            fleet.boards[0].fail()
            two.play(lambda: two.told("first") == {one}, "the first one warns")
            two.play(lambda: "left to the other collector: " in two.running["spare"].out, "the spare does not")
            two.running["first"].process.kill()
            killed = time.time()
            two.play(lambda: time.time() > killed + 2 * CLOCKS_S, "it is gone for longer than clocks differ")
            fleet.boards[1].fail()
            failed = time.time()
            two.play(lambda: two.told("spare") == {other}, "the spare warns in its place")
            fleet.stop_polls()
            two.play(two.has_all("spare", fleet.boards), "the spare has all")
            two.play(
                lambda: sum(map(len, two.pushed().values())) == fleet.snapshots, "the spare pushes what is missing"
            )
            two.play(lambda: time.time() > failed + 2 * AFTER_S + CLOCKS_S, "no doubt that the spare has reported it")
            two.start("first")
            two.play(lambda: "left to the other collector: " in two.running["first"].out, "the first one leaves it")
            fleet.start_polls()
            before = fleet.snapshots
            two.play(lambda: fleet.snapshots > before + SOME, "some more")
            fleet.stop_polls()
            for role in ("first", "spare"):
                two.play(two.has_all(role, fleet.boards), f"all is stored by the {role}")
                assert two.running[role].stop() == 0
            assert buddywatch(two.db("first"), two.config("first"), "bridge", "--once").code == 0
            assert two.stored("first") == two.stored("spare") == two.pushed()
            assert (two.told("first"), two.told("spare")) == ({one}, {other})
        finally:
            two.close()
