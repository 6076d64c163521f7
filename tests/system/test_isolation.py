"""No single fault stops the rest: a locked database, a damaged row, a message that cannot be made."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import story
from boards import boot, snapshot
from buddywatch.store.store import Store
from system_parts import BOARD, Collector, Command, Scene
from waiting import wait_for

STATES = story.way_to_failure(60)


@pytest.fixture
def scene(tmp_path: Path, agent: Command) -> Iterator[Scene]:
    with Scene(tmp_path, agent) as scene:
        yield scene


def stored_beginning(scene: Scene) -> Collector:
    """A collector that has stored the first states."""
    collector = scene.collect(scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:5])
    scene.settle()
    return collector


def test_database_that_another_program_locks_does_not_hold_up_intake(scene: Scene) -> None:
    """The loop hands batches to a thread and goes on receiving."""
    collector = stored_beginning(scene)
    with closing(sqlite3.connect(scene.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        scene.play(STATES[5:10])
        collector.wait_until_it_says("locked by another program")
        other.execute("ROLLBACK")
    collector.wait_until_it_says("can be written again")
    scene.play(STATES[10:15])
    scene.check(scene.settle())
    assert collector.stop() == 0


def test_collector_ends_while_the_database_is_locked_and_the_board_still_has_the_rest(scene: Scene) -> None:
    collector = stored_beginning(scene)
    with closing(sqlite3.connect(scene.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        scene.play(STATES[5:8])
        collector.wait_until_it_says("locked by another program")
        assert collector.stop() == 3
        assert "locked" in collector.err and collector.err.count("\n") == 1
        other.execute("ROLLBACK")
    collector = scene.collect(scene.stage.telnet_url)
    scene.check(scene.settle())
    assert collector.stop() == 0


def test_collector_waits_for_a_database_that_is_locked_when_it_starts(scene: Scene) -> None:
    collector = stored_beginning(scene)
    assert collector.stop() == 0
    with closing(sqlite3.connect(scene.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = scene.cli("collect", "--plain", "--for", "3", scene.stage.telnet_url)
        assert (ended.code, ended.out) == (3, "")
        waiting, error = ended.err.splitlines()
        assert waiting.endswith("locked by another program; end it, or try again; collect starts as soon as it is free")
        assert error.endswith("locked by another program; end it, or try again")
        collector = scene.collect(scene.stage.telnet_url)
        wait_for(lambda: "as soon as it is free" in collector.err, "the news of the lock")
        scene.play(STATES[5:8])
        other.execute("ROLLBACK")
    scene.check(scene.settle())
    assert collector.stop() == 0
    assert collector.err.count("\n") == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("UPDATE boots SET facts = '{' WHERE board = 'damaged'", id="facts"),
        pytest.param("UPDATE journal SET body = x'5b31' WHERE boot = (SELECT id FROM boots)", id="snapshot"),
        pytest.param("UPDATE boots SET started_ms = 9e17 WHERE board = 'damaged'", id="time"),
    ],
)
def test_damaged_rows_of_one_board_stop_no_other(scene: Scene, damage: str) -> None:
    with Store.open(scene.db) as store, store.batch():
        store.add_boot("damaged", boot(up="0", oldest="1", next="2"))
        store.add_snapshot("damaged", snapshot(1))
    with closing(sqlite3.connect(scene.db)) as other, other:
        other.execute(damage)
    collector = scene.collect(scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:5])
    lasts = scene.settle()
    found = {board["name"]: board for board in scene.cli("status", "--json").json["boards"]}
    assert found[BOARD]["link"] == "up"
    assert scene.cli("status").code in (0, 1)
    assert collector.stop() == 0
    scene.check(lasts)


def test_rules_row_that_cannot_be_read_stops_no_other(scene: Scene) -> None:
    with Store.open(scene.db) as store, store.batch():
        store.add_boot("damaged", boot(up="0", oldest="1", next="2"))
    with closing(sqlite3.connect(scene.db)) as other, other:
        other.execute("INSERT INTO judged SELECT 'damaged', id, 9223372036854775807 FROM boots")
        other.execute("INSERT INTO rule_states VALUES ('damaged', 'refused', 'rm', 'no such phase', 3, NULL)")
    collector = scene.collect(scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:5])
    lasts = scene.settle()
    wait_for(lambda: scene.cli("status").code in (0, 1), "a status")
    assert collector.stop() == 0
    scene.check(lasts)
