"""The story of the README on a running board: warned before, failed with megabytes free, and told why."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from boardside import NAME, flavour_or_skip, lines_of, wait_for_agent
from cronstory import CRON_STEP, FAILURE, RESIDENT_STEP, Day, play_until_it_fails, prepare, side_by_side
from machine import Machine
from smtp_server import ReceivedMail, SmtpServer
from system_parts import NEED_RM, Collector, mail_config, mail_server, text_of, wait_for_mail, warns_of_rm
from system_truth import Record, check, stored

FLAVOURS = ["4k-2.6.30", "2.6.30"]  # 2.6.30's rule in 6.1, and 2.6.30 itself
STEPS_MAX = 150
STEPS_AFTER = 5  # in which nothing of 60 kB starts any more


@contextmanager
def _day(out: Path, flavour: str, folder: Path, server: SmtpServer) -> Iterator[Day]:
    """A board that is collected from over its serial line, with somebody to be told."""
    db, config = folder / "buddywatch.db", folder / "config.toml"
    config.write_text(NEED_RM + mail_config(server, folder))
    with Machine(out, flavour) as board, lines_of(board) as (serial, _):
        wait_for_agent(board)
        prepare(board)
        collector = Collector(db, config, [serial.url])
        try:
            collector.wait_until_it_says(f"{serial.url}: open")
            yield Day(board, db, config, collector)
            assert collector.stop() == 0
        finally:
            collector.close()


@dataclass
class Played:
    flavour: str
    day: Day
    steps: int  # up to the failure
    record: Record
    lasts: dict[str, int]
    curve: list[tuple[int, int]]
    kernel_log: str
    mails: list[ReceivedMail]
    first: ReceivedMail  # about the need
    failure: ReceivedMail  # with the kernel's line


@pytest.fixture(scope="module", params=FLAVOURS)
def cron(request: pytest.FixtureRequest, board_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    flavour, folder = flavour_or_skip(board_out, request.param), tmp_path_factory.mktemp("cron")
    with mail_server() as server, _day(board_out, flavour, folder, server) as day:
        steps = play_until_it_fails(day, STEPS_MAX)
        first = wait_for_mail(server, warns_of_rm, "about rm")
        failure = wait_for_mail(server, lambda mail: re.search(FAILURE, text_of(mail)), "with the kernel's line")
        curve, log = day.curve(), day.board.console.kernel_log()
        for _ in range(STEPS_AFTER):
            day.step(CRON_STEP)
        record, lasts = day.record(folder / "ring.txt")
        yield Played(flavour, day, steps, record, lasts, curve, log, list(server.mails), first, failure)


@dataclass
class Resident:
    curve: list[tuple[int, int]]
    rm_status: int
    kernel_log: str
    alerts: list[object]


@pytest.fixture(scope="module")
def resident(cron: Played, board_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Resident:
    """The same number of steps, and the same logs, without starting anything."""
    with mail_server() as server, _day(board_out, cron.flavour, tmp_path_factory.mktemp("resident"), server) as day:
        for _ in range(cron.steps):
            day.step(RESIDENT_STEP)
        curve, alerts = day.curve(), day.cli("alerts", "--json").json["alerts"]
        return Resident(curve, day.board.console.run("rm /tmp/t").status, day.board.console.kernel_log(), alerts)


def test_rm_fails_while_megabytes_are_free(cron: Played) -> None:
    assert re.search(FAILURE, cron.kernel_log)
    free_kb, in_one_piece_kb = cron.curve[-1]
    assert free_kb > 1024
    assert in_one_piece_kb <= 32


def test_first_that_fails_is_what_was_foreseen(cron: Played) -> None:
    first = re.search(r"Allocation of length .*", cron.kernel_log)
    assert first and re.fullmatch(FAILURE, first[0])


def test_collector_warned_before(cron: Played) -> None:
    (boot_id,) = cron.lasts
    failures = [seq for seq, event in cron.record.lives[boot_id].events.items() if re.search(FAILURE, event.text)]
    with closing(sqlite3.connect(cron.day.db)) as connection:
        sql = "SELECT min(seq) FROM transitions WHERE rule = 'refused' AND need = 'rm' AND to_state = 'firing'"
        ((warned,),) = connection.execute(sql)
    assert warned < failures[0]
    assert cron.mails.index(cron.first) < cron.mails.index(cron.failure)
    assert not re.search(FAILURE, text_of(cron.first))


def test_mail_says_why(cron: Played) -> None:
    refused = next(mail for mail in cron.mails if " CRIT " in mail.message["Subject"])  # a forecast may come before
    assert cron.mails.index(refused) < cron.mails.index(cron.failure)
    text = " ".join(text_of(refused).split())
    assert "rm can no longer start (needs a 64 kB block)" in text
    assert "A free block of 64 kB exists, but after taking it" in text
    assert "short by" in text


def test_agent_streams_throughout_and_nothing_is_lost(cron: Played) -> None:
    check(cron.day.db, NAME, cron.record, cron.lasts)
    (boot_id,) = cron.lasts
    events = [event for event, _ in stored(cron.day.db, NAME)[boot_id].events.values() if event.kind == "alloc"]
    failed = re.findall(r"Allocation of length (\d+) from process \d+ \((\S+)\)", cron.day.board.console.kernel_log())
    assert [(str(event.number), event.comm) for event in events] == failed


def test_resident_jobs_do_not_fail(cron: Played, resident: Resident, board_out: Path) -> None:
    table = side_by_side(cron.curve, resident.curve)
    (board_out / f"story-{cron.flavour}.txt").write_text(table + "\n")
    print(table)
    assert resident.rm_status == 0
    assert "Allocation of length" not in resident.kernel_log
    assert resident.alerts == []
    assert min(in_one_piece_kb for _, in_one_piece_kb in resident.curve) >= 256
    assert len(resident.curve) == len(cron.curve)
