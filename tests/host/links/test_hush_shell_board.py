"""What the answers of a shell say of boards that were captured, and the frames that are made of it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from buddywatch.links.hush_shell import interview
from buddywatch.links.hush_shell.board import HushBoard
from buddywatch.links.hush_shell.interview import Board, Reading, reading_of
from buddywatch.links.hush_shell.shell import Answer, Shell
from buddywatch.model.samples import NOT_HELD, Boot, Gap, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.line_stream import LinkSession

TOP = Path(__file__).resolve().parents[3]
CAPTURES = sorted(TOP.glob("tests/fixtures/captures/*/proc"))
SHOWN = {
    "m": r"MemF|Buf|Cac|.*file|SRec|Mmap",
    "z": r"Node|pages|min|low|high|prot",
}


def lines_of(proc: Path, name: str, tag: str) -> list[str]:
    """What the shell prints of a file: `read` takes the blanks away at both ends."""
    lines = [line.strip() for line in (proc / name).read_text().splitlines()]
    return [line for line in lines if re.match(SHOWN.get(tag, ""), line)]


def answer(tag: str, lines: list[str], *more: tuple[str, str]) -> Answer:
    return Answer(tuple((tag, " ".join(line.split())) for line in lines) + more, False)


def read(proc: Path, uptime: str = "1000.00 900.00") -> Reading:
    blocks = answer("b", lines_of(proc, "buddyinfo", "b"), ("u", uptime))
    memory = answer("m", lines_of(proc, "meminfo", "m"))
    marks = answer("z", lines_of(proc, "zoneinfo", "z"))
    reading = reading_of(blocks, memory, marks)
    assert reading is not None
    return reading


def feed(session: LinkSession, tracker: BoardTracker, data: bytes, arrival: float) -> list[object]:
    return [value for item in session.feed(data) for value in tracker.take(item, arrival)]


@pytest.mark.parametrize("proc", CAPTURES, ids=lambda proc: proc.parent.name)
def test_a_captured_board_comes_out_of_its_frames_as_it_was(proc: Path) -> None:
    reading = read(proc)
    rows = re.findall(r"Node +(\d+), zone +(\w+)((?: +\d+)+)", (proc / "buddyinfo").read_text())
    page_bytes = reading.page_bytes or 4096  # as smaps says on a machine with MMU, where the figures fit no size
    board = Board(is_no_mmu=True, page_bytes=4096, files=frozenset({"ram", "rom"}))
    life = HushBoard(board, reading, "xport", 5, 0.0)
    values = feed(LinkSession(), BoardTracker(), life.hello() + life.snapshot(reading, 0.0), 1e9)
    (boot,) = [value for value in values if isinstance(value, Boot)]
    (snapshot,) = [value for value in values if isinstance(value, Snapshot)]
    assert [(str(zone.node), zone.name) for zone in snapshot.zones] == [(node, name) for node, name, _ in rows]
    assert [list(zone.nr_free) for zone in snapshot.zones] == [
        [int(count) for count in counts.split()] for _, _, counts in rows
    ]
    assert (boot.facts["nommu"], boot.facts["files"]) == ("1", "ram,rom")
    assert boot.facts["page_bytes"] == str(page_bytes)
    free_kb = int(re.search(r"MemFree: +(\d+)", (proc / "meminfo").read_text())[1])
    assert snapshot.free_pages == free_kb * 1024 // page_bytes
    assert snapshot.processes is None
    minimum = int(re.search(r"^ +min +(\d+)$", (proc / "zoneinfo").read_text(), re.MULTILINE)[1])
    assert snapshot.zones[0].min_pages == minimum


@pytest.mark.parametrize(
    ("blocks", "uptime"),
    [
        pytest.param([], "1.00 1.00", id="no-row"),
        pytest.param(["Node 0, zone DMA 1 2 3"], "", id="no-uptime"),
        pytest.param(["Node 0, zone DMA 1 2 3", "Node 0, zo"], "1.00 1.00", id="half-a-row"),
        pytest.param(["Node 0, zone DMA 1 2 3", "Node 0, zone Normal 1 2"], "1.00 1.00", id="rows-of-other-lengths"),
    ],
)
def test_an_answer_with_a_number_too_few_is_no_reading(blocks: list[str], uptime: str) -> None:
    assert reading_of(answer("b", blocks, ("u", uptime)), answer("m", []), answer("z", [])) is None


def test_polls_that_did_not_come_about_are_a_gap() -> None:
    first = read(CAPTURES[0])
    life = HushBoard(Board(), first, "xport", 5, 0.0)
    session, tracker = LinkSession(), BoardTracker()
    values = feed(session, tracker, life.hello() + life.snapshot(first, 0.0), 1e9)
    for number, up_cs in enumerate((100_500, 101_000, 104_000, 104_600), 1):
        values += feed(session, tracker, life.snapshot(replace(first, up_cs=up_cs), 0.0), 1e9 + number)
    assert [value.seq for value in values if isinstance(value, Snapshot)] == [1, 2, 3, 9, 10]
    gaps = [(gap.first, gap.last, gap.reason) for gap in values if isinstance(gap, Gap)]
    assert gaps == [(4, 8, NOT_HELD)]


def test_what_is_asked_for_again_nobody_has() -> None:
    first = read(CAPTURES[0])
    life = HushBoard(Board(), first, "xport", 5, 0.0)
    life.snapshot(first, 0.0)
    session, tracker = LinkSession(), BoardTracker()
    values = feed(session, tracker, life.hello(), 1e9)  # the frame before it was lost within this process
    assert tracker.next_request(32) is None
    assert life.gap(1, 32).startswith(b"~G ")
    assert life.gap(2, 32) == b""
    assert [type(value) for value in values if not isinstance(value, Boot)] in ([], [Gap])


@pytest.mark.parametrize(
    ("up_cs", "kboot", "passed_s", "same"),
    [
        pytest.param(110_000, "b", 100.0, False, id="another-boot-id"),
        pytest.param(110_000, "a", 100.0, True, id="the-same-boot-id"),
        pytest.param(5_000, "a", 100.0, False, id="uptime-fell"),
        pytest.param(110_000, "", 100.0, True, id="no-id-and-uptime-fits"),
        pytest.param(500_000, "", 100.0, False, id="no-id-and-uptime-does-not-fit"),
    ],
)
def test_a_reboot_is_told_from_a_new_login(up_cs: int, kboot: str, passed_s: float, same: bool) -> None:
    first = read(CAPTURES[0])
    life = HushBoard(Board({"boot_id": kboot and "a"}), first, "xport", 5, 0.0)
    life.snapshot(first, 0.0)
    assert life.is_of(Board({"boot_id": kboot}), replace(first, up_cs=up_cs), passed_s) is same


def test_a_poll_brings_as_much_as_the_page_says() -> None:
    proc = next(path for path in CAPTURES if path.parent.name == "fresh-4k-bflt")
    shell, brought = Shell("bw12ab"), 0
    answers = {
        interview._BLOCKS: [("b", line) for line in lines_of(proc, "buddyinfo", "b")] + [("u", "12345.67 12000.12")],
        interview._MEMORY: [("m", line) for line in lines_of(proc, "meminfo", "m")],
    }
    for command, lines in answers.items():
        brought += len(shell.type(command)) + sum(len(f"bw12ab:{tag}:{line}|{line}.\r\n") for tag, line in lines)
        brought += len("/ # \r\r\n" + "bw12ab:e:12|12.\r\n")
    assert round(brought / 1000, 1) == 1.1
    page = (TOP / "docs" / "how-to" / "board-without-agent.md").read_text()
    assert "with one zone brings about 1.1 kB" in " ".join(page.split())
