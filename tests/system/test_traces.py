"""Real boards' traces, played to real agents: one board that ran into failures, and one that was well all the time.

Both are watched by one collector. 25 times as fast as they were recorded, or faster, so that at one place the player
waits: for the mail for which the recorded board left 10 s.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import story
from smtp_server import ReceivedMail
from system_parts import NEED_RM, Command, Scene, mail_config, mail_server, text_of, wait_for_mail, warns_of_rm

pytestmark = pytest.mark.xdist_group("traces")  # one worker: the traces are played once

TRACES = Path(__file__).resolve().parent.parent / "fixtures" / "traces"
MARKS = (70, 87, 104)
FIRST_60K = "Allocation of length 61440 from process"
EVERY_ROW_FROM = {"cron-a": 1600, "resident-d": 3600}  # before that some are left out, to save time
SHOWN = {"cron-a": 5, "resident-d": 8}  # every so manieth


@dataclass(frozen=True)
class Row:
    """One row of a trace, with the kernel's lines since the one shown before it."""

    lines: tuple[str, ...]
    state: story.State


def rows(name: str) -> Iterator[Row]:
    """The rows to be shown."""
    lines: tuple[str, ...] = ()
    for number, text in enumerate((TRACES / f"{name}.tsv").read_text().splitlines()[1:]):
        fields = text.split("\t")
        lines += tuple(filter(None, fields[16].split(" | ")))
        if number >= EVERY_ROW_FROM[name] or number % SHOWN[name] == 0:
            _, free_kb, cached_kb, slab_kb, processes, *counts = (int(field) for field in fields[:16])
            yield Row(lines, story.State(tuple(counts), processes, 0, MARKS, free_kb, cached_kb, slab_kb))
            lines = ()


@dataclass
class Played:
    failing: Scene
    resident: Scene
    lasts: dict[str, dict[str, int]]  # by board
    mails: list[ReceivedMail]
    before_60k: int  # mails that had come when the kernel first failed 60 kB
    frames_before_60k: int  # frames of the failing board then, before the wait for a mail


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, agent: Command) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("traces")
    with mail_server() as server:
        config = NEED_RM + mail_config(server, folder)
        with (
            Scene(folder / "cron-a", agent, config=config, board="cron-a") as failing,
            Scene(folder / "resident-d", agent, board="resident-d") as resident,
            ThreadPoolExecutor(1) as pool,
        ):
            resident.db = failing.db
            collector = failing.collect(failing.stage.serial_url, resident.stage.telnet_url)
            collector.wait_until_it_says(failing.stage.serial_url)
            for scene in (failing, resident):
                scene.raise_curtain()
            other = pool.submit(resident.play, [row.state for row in rows("resident-d")])
            counts = _play_failing(failing, server)
            other.result()
            lasts = {scene.board: scene.settle() for scene in (failing, resident)}
            assert collector.stop() == 0
            yield Played(failing, resident, lasts, list(server.mails), *counts)


def _play_failing(scene, server) -> tuple[int, int]:
    """(mails, frames) when the kernel first fails 60 kB."""
    counts = None
    for row in rows("cron-a"):
        if counts is None and any(FIRST_60K in line for line in row.lines):
            frames = scene.record.frames()
            wait_for_mail(server, warns_of_rm, "that warns of rm")
            counts = len(server.mails), frames
        for line in row.lines:
            scene.stage.board.kernel_says(line)
        scene.play([row.state])
    assert counts is not None
    return counts


def test_trace_is_stored_once_and_in_order(played: Played) -> None:
    for scene in (played.failing, played.resident):
        assert sum(played.lasts[scene.board].values()) > 400
        scene.check(played.lasts[scene.board])


def test_trace_every_row_was_shown_to_the_agent(played: Played) -> None:
    for scene in (played.failing, played.resident):
        (life,) = scene.record.lives.values()
        seen = {tuple(vector[-11:]) for vector in life.vectors.values()}
        assert {row.state.nr_free for row in rows(scene.board)} <= seen
        told = [event.text for event in life.events.values() if event.kind != "source"]
        assert [line for row in rows(scene.board) for line in row.lines if "Allocation of length" in line] == [
            text for text in told if "Allocation of length" in text
        ]


def test_trace_that_fails_brings_a_warning_before_the_failure(played: Played) -> None:
    warned = played.mails[: played.before_60k]
    assert any(warns_of_rm(mail) for mail in warned)
    assert not any(FIRST_60K in text_of(mail) for mail in warned)


def test_trace_that_fails_fires_without_the_player_waiting(played: Played) -> None:
    alerts = played.failing.cli("alerts", "--json").json["alerts"]
    refused = [alert for alert in alerts if (alert["rule"], alert["need"]) == ("refused", "rm")]
    assert {alert["board"] for alert in refused} == {"cron-a"}
    rows_shown = played.failing.cli("history", "cron-a", "--json").json["rows"]
    (after,) = [row["time"] for row in rows_shown if row["seq"] == played.frames_before_60k]
    assert refused[0]["opened"] <= after


def test_trace_that_fails_brings_a_mail_with_the_kernels_words(played: Played) -> None:
    # Of the lines of one failed start, the agent sends the one with the length.
    first_line = next(line for row in rows("cron-a") for line in row.lines if "Allocation of length" in line)
    critical = [mail for mail in played.mails if " CRIT " in str(mail.message["Subject"])]
    assert any(first_line in text_of(mail) for mail in critical)


def test_trace_of_a_healthy_board_brings_no_word(played: Played) -> None:
    assert not any("resident-d" in text_of(mail) for mail in played.mails)
    alerts = played.resident.cli("alerts", "--json").json["alerts"]
    assert [alert for alert in alerts if alert["board"] == "resident-d"] == []
    boards = played.resident.cli("status", "--json").json["boards"]
    (resident,) = [board for board in boards if board["name"] == "resident-d"]
    assert [need["verdict"] for need in resident["needs"]] == ["ok"]
    rows_shown = played.resident.cli("history", "resident-d", "--json").json["rows"]
    assert {row["needs"]["rm"]["verdict"] for row in rows_shown} == {"ok"}
