"""A board with two links reboots: the slower one brings the last frames of the boot before a while later."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from journalrows import journal_seqs
from modelboard import ModelBoard
from spokenline import Line
from system_parts import Collector
from trackertools import FACTS, WIDTH
from waiting import wait_for

NAMED = {**FACTS, "name": "xport"}


class Scene:
    def __init__(self, folder: Path) -> None:
        self.db, self.config = folder / "x.db", folder / "config.toml"
        self.config.write_text("")
        self.fast, self.slow = Line(), Line()
        self.before = ModelBoard("0000000a", NAMED, WIDTH, 4000, 1)
        self.after = ModelBoard("0000000b", {**NAMED, "kboot": "b2"}, WIDTH, 4000, 1, 2000)
        self.start()

    def start(self) -> None:
        self.collector = Collector(self.db, self.config, [self.fast.url, self.slow.url])
        self.fast.accept()
        self.slow.accept()

    def reboot(self) -> list[bytes]:
        """The fast link is past the reboot. What the slow one still has to say."""
        hello = self.before.hello()
        self.fast.say(hello, self.before.poll(), self.before.poll())
        self.slow.say(hello)
        self.collector.wait_until_it_says(": open", times=2)
        self.wait_for({1, 2})
        late = [line for _ in range(7) for line in self.before.poll()]
        self.fast.say(self.before.hello())
        self.fast.say(self.after.hello(), self.after.poll())
        wait_for(lambda: self.rows("SELECT 1 FROM boots WHERE boot_id = '0000000b'"), "the boot after the reboot")
        return late

    def rows(self, sql: str) -> list[tuple[int, ...]]:
        with closing(sqlite3.connect(self.db)) as connection:
            return connection.execute(sql).fetchall()

    def stored(self) -> set[int]:
        return journal_seqs(self.db, "0000000a") if self.db.exists() else set()

    def wait_for(self, stored: set[int]) -> None:
        wait_for(lambda: self.stored() == stored, lambda: f"{stored}: {self.stored()} {self.collector.out}")

    def check(self, gaps: list[tuple[int, int]]) -> None:
        """Reported at the end of the collector: these gaps, and one reboot."""
        assert self.collector.stop() == 0, self.collector.err
        assert self.rows("SELECT first, last FROM gaps") == gaps
        assert self.rows("SELECT count(*) FROM incidents WHERE rule = 'rebooted'") == [(1,)]
        assert self.rows("SELECT count(*) FROM endings") == [(0,)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.collector.close()
    scene.fast.close()
    scene.slow.close()


def test_late_frames_of_a_slower_link_are_stored(scene: Scene) -> None:
    late = scene.reboot()
    scene.slow.say(late)
    scene.wait_for(set(range(1, 10)))
    scene.slow.say(scene.after.hello(), scene.after.poll())
    scene.check([])


def test_collector_that_is_killed_while_it_waits_takes_late_frames(scene: Scene) -> None:
    late = scene.reboot()
    assert scene.collector.stop(signal.SIGKILL) == -signal.SIGKILL
    scene.start()
    scene.fast.say(scene.after.hello())
    scene.slow.say(scene.before.hello(), late[:4])
    scene.wait_for(set(range(1, 7)))
    scene.check([(7, 9)])


def test_collector_that_is_killed_while_it_waits_tells_what_does_not_come(scene: Scene) -> None:
    """No link is heard again: the time after which the boot is closed goes on from where it was."""
    scene.reboot()
    assert scene.collector.stop(signal.SIGKILL) == -signal.SIGKILL
    scene.start()
    wait_for(lambda: scene.rows("SELECT first, last FROM gaps") == [(3, 9)], "the gap")
    scene.check([(3, 9)])
