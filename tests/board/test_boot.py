"""The board boots to a streaming agent, and a real collector gets all of it, over both lines, whatever is cut."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from boardside import (
    NAME,
    Visitor,
    flavour_or_skip,
    let_pass,
    lines_of,
    read_file,
    restart_agent,
    telnet_url,
    wait_for_agent,
)
from machine import Machine
from system_parts import Collector, buddywatch
from system_truth import Record, check, has, stored
from truth import BOARD, FLAVOURS
from waiting import wait_for

# What each board calls its processor, and its zone of memory.
MACHINE, ZONE = {
    "mcf5208": ("COLDFIRE(m520x)", "DMA"),
    "rv64": ("rv64imafdch_sstc_zihintp", "DMA32"),
    "rv32": ("rv32imafdch_sstc_zihintp", "Normal"),
}[BOARD]
STREAMING = ["4k", "2.6.30"] if BOARD == "mcf5208" else FLAVOURS[:1]
INTERVAL_S = 0.1
CUT_S = 4.0


@dataclass
class Booted:
    flavour: str
    facts: dict[str, str]
    zoneinfo: str
    release: str


@pytest.fixture(scope="module", params=FLAVOURS)
def booted(request: pytest.FixtureRequest, board_out: Path) -> Iterator[Booted]:
    with Machine(board_out, flavour_or_skip(board_out, request.param)) as board:
        wait_for_agent(board)
        with Visitor(board) as visitor:
            facts = visitor.ask_hello()
        zoneinfo = read_file(board, "/proc/zoneinfo")
        release = read_file(board, "/proc/sys/kernel/osrelease").strip()
        yield Booted(request.param, facts, zoneinfo, release)


def _marks(zoneinfo: str) -> list[str]:
    """min, low, high of its one zone with memory, from the board's own file."""
    part = zoneinfo[zoneinfo.index("pages free") : zoneinfo.index("protection")]
    return [re.search(rf"^{mark} +(\d+)$", part, re.MULTILINE)[1] for mark in ("min", "low", "high")]


def test_hello_says_which_board_it_is(booted: Booted) -> None:
    facts = booted.facts
    assert facts["name"] == NAME
    assert facts["kernel"] == booted.release
    assert facts["machine"] == MACHINE
    assert facts["impl"].startswith("micropython")
    assert (facts["nommu"], facts["compaction"], facts["trim"]) == ("1", "impossible", "1")
    assert facts["missing"] == "-"


def test_hello_has_the_boards_page_size_and_marks(booted: Booted) -> None:
    node, zone, orders, *marks, _reserve = booted.facts["z0"].split("/")
    assert int(booted.facts["page_bytes"]) == (8192 if booted.flavour == "8k" else 4096)
    assert (node, zone, orders) == ("0", ZONE, "11")
    assert marks == _marks(booted.zoneinfo)
    assert booted.facts["zones"] == "1"


@pytest.mark.parametrize("flavour", STREAMING)
def test_agent_is_streaming_after_the_boot(board_out: Path, flavour: str) -> None:
    """Nobody asks: a hello and the first snapshots come over the serial line, and more follow."""
    with Machine(board_out, flavour_or_skip(board_out, flavour)) as board, lines_of(board) as (serial, _):
        said = bytearray()
        with open(serial.host_path, "rb", buffering=0) as line:
            while said.count(b"\n~d") + said.count(b"\n~k") < 2:
                said += line.read(100)
    assert re.search(rb"^~[kd]\S+\r?$", bytes(said), re.MULTILINE)


@dataclass
class Collected:
    record: Record
    lasts: dict[str, int]
    db: Path
    status: str
    links: int


@contextmanager
def _collecting(folder: Path, *links: str) -> Iterator[tuple[Collector, Path, Path]]:
    db, config = folder / "buddywatch.db", folder / "config.toml"
    config.touch()
    collector = Collector(db, config, links)
    try:
        for link in links:
            collector.wait_until_it_says(f"{link}: open")
        yield collector, db, config
    finally:
        collector.close()


def _frames_in(db: Path) -> int:
    return sum(len(boot.numbers) for boot in stored(db, NAME).values())


@pytest.fixture(scope="module", params=STREAMING)
def collected(
    request: pytest.FixtureRequest, board_out: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collected]:
    folder = tmp_path_factory.mktemp("collected")
    with ExitStack() as stack:
        board = stack.enter_context(Machine(board_out, flavour_or_skip(board_out, request.param)))
        # Joined only now: the terminal would keep what the agent of the boot script said, which the ring does not hold.
        restart_agent(board, INTERVAL_S)
        serial, telnet = stack.enter_context(lines_of(board))
        urls = [serial.url, telnet_url(telnet)]
        with _collecting(folder, *urls) as (collector, db, config):
            wait_for(lambda: _frames_in(db) > 20, "the first frames")
            for cut in ([serial], [telnet], [serial, telnet]):
                for line in cut:
                    line.cut.set()
                for number in range(3):  # so that there is something to see
                    board.console.run(f"echo {number} >/tmp/{number}; ls /bin >/dev/null; rm /tmp/{number}")
                let_pass(board, CUT_S)
                opened = collector.out.count(f"{urls[1]}: open")
                for line in cut:
                    line.cut.clear()
                if telnet in cut:
                    collector.wait_until_it_says(f"{urls[1]}: open", opened + 1)
                frames = _frames_in(db)
                wait_for(lambda f=frames: _frames_in(db) > f + 20, "frames after the cut")
            with Visitor(board) as visitor:
                record, lasts = visitor.record(folder / "ring.txt")
            wait_for(lambda: has(db, NAME, lasts), lambda: f"{lasts} in the store: {collector.out}{collector.err}")
            status = buddywatch(db, config, "status").out
            assert collector.stop() == 0
            yield Collected(record, lasts, db, status, collector.out.count(f"{urls[1]}: open"))


def test_store_holds_what_the_ring_holds(collected: Collected) -> None:
    check(collected.db, NAME, collected.record, collected.lasts)
    assert min(collected.lasts.values()) > 3 * CUT_S / INTERVAL_S


def test_cut_was_one(collected: Collected) -> None:
    assert collected.links >= 3  # telnet was opened, and again after each of its two cuts


def test_status_knows_the_board(collected: Collected) -> None:
    assert f"{MACHINE}, no MMU" in collected.status
    assert "rm (needs a 64 kB block): OK" in collected.status
