"""What `explain` says of caches where files lie in RAM: 72 kB of 2472 kB went on a board with Linux 2.6.30."""

import re
from pathlib import Path

import pytest
from runner import Runner

CAPTURES = Path(__file__).resolve().parents[2] / "fixtures" / "captures"
PROC = CAPTURES / "ramfs-2.6.30" / "proc"
# /proc/mounts was read on the same board, another time.
MOUNTS = (CAPTURES / "fresh-4k-bflt-2.6.30" / "proc" / "mounts").read_text()
PRINTED = "\n".join(
    f"{source} on {folder} type {kind} ({how})" for source, folder, kind, how, *_ in map(str.split, MOUNTS.splitlines())
)
NEED = "2M"  # more than the largest free block


@pytest.fixture
def explained(tmp_path, capsys):
    """explained(mounts, *arguments): the result for the board's files with these mounts."""

    def run(mounts, *arguments, need=NEED):
        (tmp_path / "mounts").write_text(mounts)
        files = [str(PROC / name) for name in ("buddyinfo", "zoneinfo", "meminfo", "version")]
        return Runner(tmp_path, capsys)("explain", "--need", need, *arguments, *files, str(tmp_path / "mounts"))

    return run


@pytest.mark.parametrize("mounts", [pytest.param(MOUNTS, id="proc"), pytest.param(PRINTED, id="mount")])
def test_files_in_ram_are_no_caches(explained, mounts):
    (need,) = explained(mounts, "--json").json["needs"]
    assert (need["notes"], need["reclaimable_bytes"], need["ram_file_bytes"]) == (["files-in-ram"], 0, 2472 * 1024)
    (drop,) = [remedy for remedy in need["remedies"] if remedy["what"] == "drop_caches"]
    assert (drop["helps"], drop["at_best_bytes"], drop["ram_file_bytes"]) == (False, 0, 2472 * 1024)
    text = " ".join(explained(mounts, "--full").out.split())
    assert "2472 kB are listed as caches, but nearly all of it lies in files in RAM" in text
    assert "could still have succeeded" not in text


@pytest.mark.parametrize(
    "mounts",
    [pytest.param("", id="unknown"), pytest.param(MOUNTS + "/dev/sda1 /mnt ext2 rw 0 0\n", id="a-disk-as-well")],
)
def test_without_certainty_it_is_an_upper_bound(explained, mounts):
    (need,) = explained(mounts, "--json").json["needs"]
    assert need["notes"] == ["reclaimable", "files-in-ram"]
    assert (need["reclaimable_bytes"], need["ram_file_bytes"]) == (2472 * 1024, None)
    text = " ".join(explained(mounts, "--full").out.split())
    assert "Up to 2472 kB are listed as caches. How much of it can go is not known" in text
    assert "at best, and nothing of files in RAM" in text
    assert "could still have succeeded" not in text


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        (
            MOUNTS,
            "would free next to nothing of the 2472 kB that are listed as caches: that is what lies in files in RAM.",
        ),
        ("", "would free 2472 kB at best; 4 MB were missing."),
        ("/dev/sda1 / ext2 rw 0 0\n", "would free 2472 kB at best; 4 MB were missing."),
    ],
)
def test_caches_that_are_too_little_are_called_what_they_are(explained, mounts, said):
    assert said in " ".join(explained(mounts, "--full", need="4M").out.split())


def test_caches_of_a_disk_can_go(explained):
    (need,) = explained("/dev/sda1 / ext2 rw 0 0\n", "--json").json["needs"]
    assert (need["notes"], need["ram_file_bytes"]) == (["reclaimable"], 0)
    assert "Up to 2472 kB were in clean caches" in " ".join(
        explained("/dev/sda1 / ext2 rw 0 0\n", "--full").out.split()
    )


def test_newer_kernels_do_not_list_them(explained):
    (need,) = explained(MOUNTS, "--json", "--kernel", "6.1").json["needs"]
    assert (need["reclaimable_bytes"], need["ram_file_bytes"]) == (2472 * 1024, 0)


def files_in_ram(result):
    """held_kb of the advice to empty files in RAM, of the first answer; None without."""
    answer = (result.json["failures"] or result.json["needs"])[0]
    advice = [remedy["held_kb"] for remedy in answer["remedies"] if remedy["what"] == "remove_ramfs_files"]
    return advice[0] if advice else None


def test_files_in_ram_that_split_the_free_memory_are_named(explained, tmp_path, capsys):
    assert files_in_ram(explained(MOUNTS, "--json")) == 2472
    assert files_in_ram(explained("", "--json")) is None  # they may be caches
    buddywatch = Runner(tmp_path, capsys)
    for name, is_much in (("files", True), ("noagent", True), ("cron", False)):
        log = CAPTURES / f"frag-4k-bflt-2.6.30-{name}" / "dmesg.txt"
        held_kb = int(re.findall(r"unevictable:(\d+)kB", log.read_text())[0])
        assert files_in_ram(buddywatch("explain", "--json", str(log))) == (held_kb if is_much else None), name
