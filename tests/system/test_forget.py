"""`buddywatch forget` while `collect` runs: a board that was taken away is gone, and no reminder of it follows."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from modelboard import ModelBoard
from smtp_server import ReceivedMail, SmtpServer
from spokenline import Line
from system_parts import Collector, buddywatch, mail_config, mail_server, wait_for_mail
from trackertools import FACTS, WIDTH
from waiting import wait_for

RULES = "[alert]\nbatch = 0\nsilent_after = 1\nrepeat_after = 1\nper_hour = 0\n"


class Scene:
    """Two boards that are watched over a line each."""

    def __init__(self, folder: Path, server: SmtpServer, named: str = "") -> None:
        self.db, self.config, self.server = folder / "x.db", folder / "config.toml", server
        self.config.write_text(RULES + mail_config(server, folder))
        self.lines = {name: Line() for name in ("gone", "other")}
        self.boards = {
            name: ModelBoard(f"0000000{number}", {**FACTS, "name": name}, WIDTH, 4000, 1)
            for number, name in enumerate(self.lines)
        }
        self.collector = Collector(self.db, self.config, [self.lines["gone"].url + named, self.lines["other"].url])
        for name, line in self.lines.items():
            line.accept()
            line.say(self.boards[name].hello(), self.boards[name].poll())
        wait_for(lambda: {"gone", "other"} == self.stored(), "both boards in the store")

    def stored(self) -> set[str]:
        if not self.db.exists():
            return set()
        with closing(sqlite3.connect(self.db)) as connection:
            return {name for (name,) in connection.execute("SELECT board FROM boots")}

    def says(self, *arguments: str) -> str:
        done = buddywatch(self.db, self.config, *arguments)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def close(self) -> None:
        self.collector.close()
        for line in self.lines.values():
            line.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with mail_server() as server, closing(Scene(tmp_path, server)) as scene:
        yield scene


def text(mail: ReceivedMail) -> str:
    return str(mail.message["Subject"]) + str(mail.message.get_body(("plain",)))


def test_a_board_that_was_taken_away_is_forgotten_by_a_running_collector(scene: Scene) -> None:
    scene.lines["gone"].close()
    wait_for_mail(scene.server, lambda mail: "gone" in text(mail), "that it is silent")
    assert scene.says("forget", "gone") == ""
    mails = len(scene.server.mails)
    seen = json.loads(scene.says("alerts", "--json"))["alerts"]
    assert {alert["board"] for alert in seen} <= {"other"}
    # The other board's next reminder would bring along all that is due.
    wait_for(
        lambda: [mail for mail in scene.server.mails[mails + 1 :] if "other" in text(mail)], "reminders of the other"
    )
    assert not [mail for mail in scene.server.mails[mails + 1 :] if "gone" in text(mail)]
    assert scene.stored() == {"other"}
    assert "gone" not in buddywatch(scene.db, scene.config, "status").out
    assert scene.collector.stop() == 0
    assert "Traceback" not in scene.collector.err and scene.stored() == {"other"}


@pytest.mark.parametrize("named", ["", "?board=gone"])
def test_a_board_that_still_sends_comes_back_with_what_it_holds(tmp_path: Path, named: str) -> None:
    with mail_server() as server, closing(Scene(tmp_path, server, named)) as scene:
        _comes_back(scene)


def _comes_back(scene: Scene) -> None:
    assert "gone is removed; tcp://" in scene.says("forget", "gone")
    scene.lines["gone"].say(scene.boards["gone"].hello(), scene.boards["gone"].poll())
    wait_for(lambda: scene.stored() == {"gone", "other"}, lambda: f"it to come back: {scene.collector.out}")
    links = wait_for(
        lambda: [link for board in json.loads(buddywatch(scene.db, scene.config, "status", "--json").out)["boards"]
                 if board["name"] == "gone" for link in board["links"]],
        "its link",
    )  # fmt: skip
    assert [link["url"] for link in links] == [scene.lines["gone"].url]
    assert scene.collector.stop() == 0
    assert "cannot be followed" not in scene.collector.out


def test_what_is_older_is_removed_while_the_collector_goes_on(scene: Scene) -> None:
    assert scene.says("forget", "gone", "--before", "1s") == ""
    scene.lines["gone"].say(scene.boards["gone"].poll())
    wait_for(
        lambda: json.loads(buddywatch(scene.db, scene.config, "history", "gone", "--json").out)["rows"],
        "the next snapshot",
    )
    assert scene.collector.stop() == 0
    assert "cannot be followed" not in scene.collector.out
