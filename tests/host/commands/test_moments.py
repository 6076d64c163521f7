"""Times and durations on the command line: every command reads them alike, and `boot` is when a board started."""

import argparse
import importlib
import time
from dataclasses import replace

import pytest
from boards import INTERVAL_S, START, boot, config, refused, snapshot
from buddywatch.cli import COMMANDS
from buddywatch.commands.argument_types import duration, moment
from buddywatch.model.samples import ConsoleLine
from buddywatch.text.escape import local_time
from feeder import Feeder

DURATIONS = [("90", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1w", 604_800.0), ("1w2d", 777_600.0), ("2 h", 7200.0)]
PLANNED = ("silence", "--from")  # of the future; it is read when the command runs


def _taken(metavar):
    """(command, flag, what reads it) of all arguments that are shown as metavar."""
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        module = {"import": "import_"}.get(command, command.replace("-", "_"))
        importlib.import_module(f"buddywatch.commands.{module}").add_arguments(parser)
        for action in parser._actions:
            if action.metavar == metavar and (command, action.option_strings[0]) != PLANNED:
                yield command, action.option_strings[0], action.type


def test_every_when_is_read_by_the_same_parser():
    taken = list(_taken("WHEN"))
    assert len(taken) >= 13
    assert [(command, flag) for command, flag, read in taken if read is not moment] == []


def test_every_duration_may_have_the_same_forms():
    taken = list(_taken("DURATION"))
    assert {(command, flag) for command, flag, _ in taken} >= {("collect", "--for"), ("silence", "--for")}
    for command, flag, read in taken:
        assert [read(text) for text, _ in DURATIONS] == [seconds for _, seconds in DURATIONS], (command, flag)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e9", "2M", "soon", ""])
def test_a_duration_is_more_than_nothing_and_ends(text):
    with pytest.raises(argparse.ArgumentTypeError, match='expected a duration such as 90, "2m"'):
        duration(text)


@pytest.fixture
def rebooted(store):
    """A board that started two hours ago, and again an hour ago."""
    now = time.time()
    for age_s, boot_id in ((7200, "0000b001"), (3600, "0000b002")):
        begun = boot(boot_id, started=now - age_s)
        store.add_boot("xp", begun)
        for seq in range(1, 4):
            shot = snapshot(seq, boot_id=boot_id)
            store.add_snapshot("xp", replace(shot, time=begun.started + shot.uptime_ms / 1000))
        store.add_console("xp", ConsoleLine(begun.started + 60.0, f"booted {boot_id}"))
    return store


def test_since_boot_is_when_the_board_last_started(buddywatch, rebooted):
    assert [line[-8:] for line in buddywatch("log", "xp", "--since", "boot").lines] == ["0000b002"]
    rows = buddywatch("history", "xp", "--since", "boot", "--json").json
    assert {row["boot_id"] for row in rows["rows"]} == {"0000b002"}
    assert "10 s of it watched" in buddywatch("who", "xp", "--since", "boot", "--need", "61440").out
    before = buddywatch("explain", "xp", "--at", "boot")
    assert before.err == "" and f"xp at {local_time(rebooted.boots('xp')[0].started + 15)}" in before.out


def test_forget_before_boot_keeps_this_boot(buddywatch, rebooted):
    assert buddywatch("forget", "xp", "--before", "boot").code == 0
    assert [line.text for line in rebooted.console_since("xp", 0.0)] == ["booted 0000b002"]


def test_a_report_since_boot_begins_with_each_board(buddywatch, rebooted, tmp_path):
    started = rebooted.latest_boot("xp").started
    rebooted.add_boot("other", boot("0000b003", started=started + 600.0))
    assert buddywatch("report", "--html", str(tmp_path / "page.html"), "--since", "boot").code == 0
    page = (tmp_path / "page.html").read_text()
    assert f"Boards from {local_time(started)[:16]}" in page
    assert "In 60m (in brackets: in the 60m before)" in page
    assert "In 50m (in brackets: in the 50m before)" in page


def test_alerts_since_boot_leave_out_those_that_ended_before(buddywatch, store):
    feeder = Feeder(store, config(tight="off", clear_samples=1))
    feeder.play(boot(), refused(1), refused(2), snapshot(3))
    feeder.play(refused(4), refused(5), snapshot(6))
    store.add_boot("xp", boot("0000b002", "reboot", started=START + 4 * INTERVAL_S))
    states = [alert["opened"] for alert in buddywatch("alerts", "--since", "boot", "--json").json["alerts"]]
    assert len(states) == 1 and states[0] > START + 4 * INTERVAL_S
    assert len(buddywatch("alerts", "--json").json["alerts"]) == 2


def test_a_board_that_never_started_has_no_boot(buddywatch, store):
    buddywatch.config.write_text('[[board]]\nname = "new"\n')
    for words in (("history", "new"), ("alerts", "new"), ("log", "new"), ("plot", "new")):
        result = buddywatch(*words, "--since", "boot")
        assert (result.code, result.err) == (0, ""), words
