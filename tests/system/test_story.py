"""The reference story: a board runs out of large blocks, its kernel fails a program, and it is switched off and on.

Over a serial line alone and over telnet alone, both dead twice on the way, with a ring that holds no more than the
longest of these silences and what it takes to find back.
"""

import re
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage

import pytest
import story
from runner import Result
from smtp_server import ReceivedMail
from system_parts import (
    BOARD,
    LOGIN,
    NEED_RM,
    Command,
    Scene,
    mail_config,
    mail_server,
    text_of,
    wait_for_mail,
    warns_of_rm,
)
from system_truth import Record, stored

pytestmark = pytest.mark.xdist_group("story")  # one worker: the story is played once

STEPS = 400
CUTS = ((100, 160), (250, 310))  # states that are shown while the line is dead
FRAME_BYTES = 18  # of this story's frames, on average, with the ring's own byte; measured
RING = 5120
ALL_CLEAR = re.compile(r"\bOK\b.*\brm\b")  # a line of a mail: severity, then what
CPYTHON = ("telnet",)  # the other case is MicroPython's
RATES = {"serial": (termios.B115200, termios.B115200), "telnet": None}


@dataclass
class Played:
    """What was left when the story was over."""

    link: str
    scene: Scene
    lasts: dict[str, int]  # numbers of the frames that the store must hold, by boot id
    mails: list[ReceivedMail]
    warned_of: int  # mails when the kernel's line was written
    first: ReceivedMail  # about the need
    critical: ReceivedMail  # about the kernel's line
    recovered: ReceivedMail
    exit_code: int
    rates: tuple[int, int] | None  # of both ends of the serial line

    @property
    def record(self) -> Record:
        return self.scene.record


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory, agent: Command, cpython: Command) -> Iterator[dict[str, Played]]:
    """The story over each link, all played at the same time."""
    with ExitStack() as stack:
        casts = []
        for link in RATES:
            folder, server = tmp_path_factory.mktemp(link), stack.enter_context(mail_server())
            config = NEED_RM + mail_config(server, folder)
            scene = Scene(folder, cpython if link in CPYTHON else agent, RING, config=config)
            casts.append((stack.enter_context(scene), server, link))
        with ThreadPoolExecutor(len(casts)) as pool:
            yield dict(zip(RATES, pool.map(lambda cast: _played(*cast), casts), strict=True))


@pytest.fixture(params=list(RATES))
def played(request: pytest.FixtureRequest, stories: dict[str, Played]) -> Played:
    return stories[request.param]


def _played(scene, server, link) -> Played:
    line, url = (
        (scene.stage.serial, scene.stage.serial_url + "?baud=115200")
        if link == "serial"
        else (scene.stage.telnet, scene.stage.telnet_url)
    )
    collector = scene.collect(url)
    collector.wait_until_it_says(url)
    scene.raise_curtain()
    states = story.way_to_failure(STEPS)
    _play_with_cuts(scene, line, states)
    first = wait_for_mail(server, warns_of_rm, "about rm")
    warned_of = len(server.mails)
    scene.stage.board.kernel_says(story.KERNEL_LINE)
    critical = wait_for_mail(server, lambda mail: story.KERNEL_LINE in text_of(mail), "with the kernel's line")
    scene.play([states[-1]] * 3)
    before_reboot = scene.settle()
    rates = (_rate(scene.stage.serial.board_path), _rate(scene.stage.serial.host_path)) if link == "serial" else None
    scene.stage.power_cycle()
    recovered = wait_for_mail(server, lambda mail: ALL_CLEAR.search(text_of(mail)), "that says that rm is well")
    scene.play([story.State(story.REBOOT, 30, 728)])
    lasts = {**scene.settle(), **before_reboot}
    code = collector.stop()
    scene.stage.stop_agent()
    return Played(link, scene, lasts, list(server.mails), warned_of, first, critical, recovered, code, rates)


def _play_with_cuts(scene, line, states) -> None:
    at = 0
    for first, last in CUTS:
        scene.play(states[at:first])
        line.cut.set()
        scene.play(states[first:last])
        line.cut.clear()
        at = last
    scene.play(states[at:])


def _rate(path: str) -> int:
    with open(path, "rb", buffering=0) as tty:
        return termios.tcgetattr(tty)[4]


def _parents(message: EmailMessage) -> set[str]:
    return {*str(message["References"] or "").split(), *str(message["In-Reply-To"] or "").split()}


def test_story_is_stored_once_and_in_order(played: Played) -> None:
    assert played.exit_code == 0
    assert len(played.lasts) == 2
    assert min(played.lasts.values()) > 1
    assert sum(played.lasts.values()) > STEPS
    played.scene.check(played.lasts)


def test_story_takes_a_ring_just_large_enough(played: Played) -> None:
    first_life = next(iter(played.record.lives.values()))
    assert first_life.last * FRAME_BYTES > RING  # it cannot have held them all
    assert max(last - first for first, last in CUTS) * FRAME_BYTES < RING * 3 // 4  # what a full ring surely holds


def test_story_is_recorded_to_both_its_ends(played: Played) -> None:
    first_life, second_life = played.record.lives.values()
    assert first_life.vectors[1][-11:] == list(story.REBOOT)
    assert first_life.nr_free == list(story.FAILING)
    assert second_life.nr_free == list(story.REBOOT)


def test_story_warns_before_the_kernel_fails(played: Played) -> None:
    assert 1 <= played.warned_of < len(played.mails)
    assert played.first in played.mails[: played.warned_of]
    assert "61440" in text_of(played.first)
    assert not any(story.KERNEL_LINE in text_of(mail) for mail in played.mails[: played.warned_of])


def test_story_mails_come_encrypted_and_logged_in(played: Played) -> None:
    assert {(mail.over_tls, mail.user, *mail.recipients) for mail in played.mails} == {
        (True, LOGIN[0], "you@board.test")
    }
    ids = [mail.message["Message-ID"] for mail in played.mails]
    assert len(ids) == len(set(ids))


def test_story_failure_is_a_critical_mail(played: Played) -> None:
    assert " CRIT " in played.critical.message["Subject"]
    text = text_of(played.critical)
    assert all(word in text for word in ("rm", "6821", "61440", BOARD))


def test_story_recovery_leads_back_to_the_first_mail(played: Played) -> None:
    by_id = {str(mail.message["Message-ID"]): mail.message for mail in played.mails}
    reached, waiting = set(), _parents(played.recovered.message)
    while waiting:
        message_id = waiting.pop()
        assert message_id in by_id, "a reference to a mail that never came"
        reached.add(message_id)
        waiting |= _parents(by_id[message_id]) - reached
    assert str(played.first.message["Message-ID"]) in reached


def test_story_kernel_line_is_one_event(played: Played) -> None:
    boot_id, life = next(iter(played.record.lives.items()))
    kernel = [event for event in life.events.values() if event.kind == "alloc"]
    assert [(event.number, event.pid, event.comm, event.text) for event in kernel] == [
        (61440, 6821, "rm", story.KERNEL_LINE)
    ]
    events = played.scene.cli("history", BOARD, "--json").json["events"]
    found = [event for event in events if event["kind"] == "alloc"]
    assert [(event["boot_id"], event["text"]) for event in found] == [(boot_id, story.KERNEL_LINE)]


def test_story_history_shows_the_truth(played: Played) -> None:
    history = played.scene.cli("history", BOARD, "--json").json
    shown = [(row["boot_id"], row["seq"], row["zones"][0]["nr_free"], row["uptime_s"]) for row in history["rows"]]
    truth = [
        (boot_id, seq, vector[-11:], vector[0] / 100)
        for boot_id, life in played.record.lives.items()
        for seq, vector in life.vectors.items()
        if seq <= played.lasts[boot_id]
    ]
    assert [row for row in shown if row[1] <= played.lasts[row[0]]] == truth
    marks = {(row["zones"][0]["min_pages"], row["zones"][0]["low_pages"]) for row in history["rows"]}
    assert marks == {story.MARKS[:2]}
    assert [gap for gap in history["gaps"] if gap["first"] <= played.lasts[gap["boot_id"]]] == []


def test_story_verdict_falls_once_and_returns(played: Played) -> None:
    rows = played.scene.cli("history", BOARD, "--json").json["rows"]
    verdicts = [row["needs"]["rm"]["verdict"] for row in rows]
    changes = [verdict for at, verdict in enumerate(verdicts) if at == 0 or verdicts[at - 1] != verdict]
    assert changes[0] == changes[-1] == "ok"
    assert "refused" in changes
    assert set(verdicts[: STEPS // 2]) == {"ok"}


def test_story_status_shows_the_last_snapshot(played: Played) -> None:
    result: Result = played.scene.cli("status", "--json")
    (board,) = result.json["boards"]
    boot_id = list(played.record.lives)[-1]
    newest = stored(played.scene.db, BOARD)[boot_id]
    vector = newest.vectors[max(newest.vectors)]
    blocks = vector[-11:]
    assert (board["name"], board["boot_id"], board["kernel"]) == (BOARD, boot_id, "2.6.30")
    assert board["free_bytes"] == (sum(count << order for order, count in enumerate(blocks)) + vector[2]) * 4096
    assert board["largest_free_block_bytes"] == 4096 << max(order for order, count in enumerate(blocks) if count)
    assert [(need["name"], need["bytes"], need["verdict"]) for need in board["needs"]] == [("rm", 61440, "ok")]
    assert board["link"] == "down"
    assert (board["lost_snapshots"], board["alerts"], result.code) == (0, [], 1)  # 1: the collector has ended


def test_story_serial_line_has_the_rate_asked_for(played: Played) -> None:
    assert played.rates == RATES[played.link]
