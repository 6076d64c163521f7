"""The story with a ring that is too small for a long silence: the lost frames are known exactly, and reported."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import story
from buddyd import wire
from smtp_server import ReceivedMail
from system_parts import BOARD, NEED_RM, Command, Scene, mail_config, mail_server, text_of, wait_for_mail
from system_truth import stored

pytestmark = pytest.mark.xdist_group("gap")  # one worker: the board is played once

STEPS = 300
CUT = (40, 240)  # states; the ring holds about 100
RING = 2048


class Tap:
    """What the host could hear on the serial line."""

    def __init__(self) -> None:
        self.said = bytearray()

    def lines(self) -> list[bytes]:
        return bytes(self.said).splitlines()

    def gap_reports(self) -> list[tuple[int, int]]:
        """(first, last) of what the board said it cannot send any more."""
        contents = (wire.unseal(line) for line in self.lines() if line.startswith(wire.MARK + wire.GAP))
        return [wire.parse_numbers(content)[1:] for content in contents if content is not None]


@dataclass
class Played:
    scene: Scene
    boot_id: str
    last: int  # frame up to which all is known
    gaps: list[tuple[int, int]]  # first and last of each run of frames that the host never heard
    reports: list[tuple[int, int]]
    mail: ReceivedMail


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, agent: Command) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("gap")
    with mail_server() as server, Scene(folder, agent, RING, config=NEED_RM + mail_config(server, folder)) as scene:
        tap = Tap()
        scene.stage.serial.tap = tap.said.extend
        collector = scene.collect(scene.stage.serial_url)
        collector.wait_until_it_says(scene.stage.serial_url)
        scene.raise_curtain()
        states = story.way_to_failure(STEPS)
        scene.play(states[: CUT[0]])
        scene.settle()
        scene.stage.serial.cut.set()
        scene.play(states[CUT[0] : CUT[1]])
        scene.stage.serial.cut.clear()
        scene.play(states[CUT[1] :])
        ((boot_id, last),) = scene.settle().items()
        mail = wait_for_mail(server, lambda mail: "Lost snapshots" in text_of(mail), "about lost frames")
        assert collector.stop() == 0
        life = scene.record.lives[boot_id]
        heard = {life.numbers[line] for line in tap.lines() if line in life.numbers}
        yield Played(scene, boot_id, last, _runs(set(range(1, last + 1)) - heard), tap.gap_reports(), mail)


def _runs(numbers: set[int]) -> list[tuple[int, int]]:
    """First and last of each run of following numbers."""
    groups = itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in groups]
    return [(run[0], run[-1]) for run in runs]


def test_gap_is_what_the_host_never_heard(played: Played) -> None:
    found = stored(played.scene.db, BOARD)[played.boot_id]
    assert played.gaps
    assert [(first, last) for first, last, _ in sorted(found.gaps) if first <= played.last] == played.gaps
    assert {reason for _, _, reason in found.gaps} == {"overwritten"}


def test_gap_is_what_the_board_said(played: Played) -> None:
    assert all(any(gap == report for report in played.reports) for gap in played.gaps)


def test_gap_leaves_out_nothing_else(played: Played) -> None:
    played.scene.check({played.boot_id: played.last}, whole=False)
    first, last = played.gaps[0]
    assert first > CUT[0]
    numbers = stored(played.scene.db, BOARD)[played.boot_id].numbers
    assert {first - 1, last + 1} <= numbers


def test_gap_is_in_the_status(played: Played) -> None:
    (board,) = played.scene.cli("status", "--json").json["boards"]
    assert board["gaps"] == [_as_json(played.boot_id, gap) for gap in played.gaps]
    assert board["lost_snapshots"] == sum(last - first + 1 for first, last in played.gaps)
    text = played.scene.cli("status").out
    assert all(f"{first}..{last} ({last - first + 1} frames)" in text for first, last in played.gaps)


def test_gap_is_in_the_history_between_its_neighbours(played: Played) -> None:
    history = played.scene.cli("history", BOARD, "--json").json
    assert history["gaps"] == [_as_json(played.boot_id, gap) for gap in played.gaps]
    shown = {row["seq"] for row in history["rows"]}
    lines = played.scene.cli("history", BOARD).out.splitlines()
    for first, last in played.gaps:
        assert {first - 1, last + 1} <= shown
        assert shown & set(range(first, last + 1)) == set()
        (at,) = [at for at, line in enumerate(lines) if f"{first}..{last} ({last - first + 1} frames)" in line]
        assert 0 < at < len(lines) - 1


def test_gap_is_in_a_mail(played: Played) -> None:
    first, last = played.gaps[0]
    assert f"frames {first} to {last} ({last - first + 1} frames)" in text_of(played.mail)
    assert played.boot_id in text_of(played.mail)


def _as_json(boot_id: str, gap: tuple[int, int]) -> dict[str, object]:
    return {"boot_id": boot_id, "first": gap[0], "last": gap[1], "reason": "overwritten"}
