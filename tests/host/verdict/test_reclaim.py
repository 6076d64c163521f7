"""What reclaim can free: the kernel's age, the file systems, and what drop_caches did on a board."""

import json
from pathlib import Path

import pytest
from buddywatch.verdict.reclaim import Reclaimable, fact_of, files_of_fact, files_of_mounts, reclaimable

CAPTURES = Path(__file__).resolve().parents[2] / "fixtures" / "captures"
# What the agent's parser is tried with, too.
MOUNTS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "mounts.json").read_text())


def files_of(text: str) -> frozenset[str] | None:
    words = [line.split()[:3] for line in text.splitlines()]
    return files_of_mounts([(row[0], row[1], row[2]) for row in words if len(row) == 3] or [("", "", "")] * bool(text))


@pytest.mark.parametrize("case", MOUNTS, ids=lambda case: case["name"])
def test_mounts_say_where_files_lie(case: dict[str, str]) -> None:
    kinds = files_of(case["text"])
    assert fact_of(kinds) == case["files"]
    assert files_of_fact(case["files"]) == kinds


def test_no_line_says_nothing() -> None:
    assert (files_of(""), fact_of(None), files_of_fact("?")) == (None, "?", None)


@pytest.mark.parametrize(
    ("fact", "kinds"),
    [
        pytest.param(None, None, id="an-agent-of-0.1"),
        pytest.param("?", None, id="no-mounts"),
        pytest.param("ram,tape", None, id="a-kind-of-a-later-agent"),
        pytest.param("-", set(), id="none"),
    ],
)
def test_a_fact_may_not_say_it(fact: str | None, kinds: set[str] | None) -> None:
    assert files_of_fact(fact) == kinds


@pytest.mark.parametrize(
    ("files", "no_mmu", "release", "expected"),
    [
        pytest.param({"ram", "rom"}, True, "2.6.30", (0, 100), id="ram-and-rom"),
        pytest.param({"ram"}, True, "4.15.18", (0, 100), id="the-last-kernel-that-waits-for-a-scan"),
        pytest.param({"ram"}, True, "4.16", (100, 0), id="unevictable-at-once"),
        pytest.param({"ram"}, True, None, (0, 100), id="unknown-release"),
        pytest.param({"ram", "disk"}, True, "2.6.30", (100, None), id="both"),
        pytest.param({"rom", "disk"}, True, "2.6.30", (100, 0), id="nothing-in-ram"),
        pytest.param(None, True, "2.6.30", (100, None), id="unknown-mounts"),
        pytest.param({"ram"}, False, "2.6.30", (100, 0), id="mmu"),
        pytest.param({"ram"}, None, "2.6.30", (100, 0), id="mmu-unknown"),
    ],
)
def test_files_in_ram_do_not_count(
    files: set[str] | None, no_mmu: bool | None, release: str | None, expected: tuple[int, int | None]
) -> None:
    assert reclaimable(100, files, no_mmu, release) == Reclaimable(*expected)


def test_drop_caches_on_a_board_agrees() -> None:
    """72 kB of 2472 kB went; 1 kB in 34 is nothing that a request can count on."""
    listed_kb = []
    for name in ("proc", "proc-after-drop-caches"):
        rows = dict(line.split(":") for line in (CAPTURES / "ramfs-2.6.30" / name / "meminfo").read_text().splitlines())
        lists = ("Active(file)", "Inactive(file)", "SReclaimable")
        listed_kb.append(sum(int(rows[row].split()[0]) for row in lists))
    mounts = (CAPTURES / "fresh-4k-bflt-2.6.30" / "proc" / "mounts").read_text()  # of the same board
    found = reclaimable(listed_kb[0], files_of(mounts), True, "2.6.30")
    assert (listed_kb, found) == ([2472, 2372], Reclaimable(0, 2472))
