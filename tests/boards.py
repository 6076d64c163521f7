"""Boards and their snapshots for the tests of the store and the rules: made from real captures and traces."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from buddywatch.config.sections import Alert, Collector, Config, Need
from buddywatch.model.samples import OVERWRITTEN, Boot, Event, Gap, Snapshot, Zone
from buddywatch.store.store import Store

FIXTURES = Path(__file__).resolve().parent / "fixtures"
SEED_FREE = (
    31,
    47,
    42,
    64,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
)  # an XPort Pro (2.6.30, 8 MB) when `rm` failed for want of 61440 bytes
SEED_REBOOTED = (2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0)  # the same board after a reboot
KERNEL_LINE = "Allocation of length 61440 from process 6821 (rm) failed"
BOOT_ID = "0000b001"
START = 1_700_000_000.0
INTERVAL_S = 5
RM = Need("rm", 61440)
FACTS = {
    "v": "1",
    "name": "xp-07",
    "kernel": "2.6.30-uc0",
    "page_bytes": "4096",
    "cols": "up,proc,free,recl,slab",
    "zones": "1",
    "z0": "0/DMA/11/90/112/135/0",
    "interval_cs": str(INTERVAL_S * 100),
    "kboot": "3d7a",
}


def zone(nr_free: tuple[int, ...], marks: tuple[int, int, int] | None = (90, 112, 135), name: str = "DMA") -> Zone:
    if marks is None:
        return Zone(0, name, nr_free)
    return Zone(0, name, nr_free, *marks, 0)


def snapshot(seq: int, nr_free: tuple[int, ...] = SEED_REBOOTED, boot_id: str = BOOT_ID, frames: int = 1) -> Snapshot:
    """The board's snapshot number seq, polled every INTERVAL_S from START on; it took that many frames."""
    free_pages = sum(count << order for order, count in enumerate(nr_free))
    uptime_ms = seq * INTERVAL_S * 1000
    time = START + uptime_ms / 1000
    return Snapshot(boot_id, seq - frames + 1, seq, time, uptime_ms, (zone(nr_free),), 900 + seq, free_pages, 14, 353)


def refused(seq: int, boot_id: str = BOOT_ID) -> Snapshot:
    return snapshot(seq, SEED_FREE, boot_id)


def boot(boot_id: str = BOOT_ID, cause: str = "first", started: float = START, **facts: str) -> Boot:
    return Boot(boot_id, {**FACTS, **facts}, started, cause)


def kernel_event(seq: int | None, uptime_ms: int | None, boot_id: str = BOOT_ID, text: str = KERNEL_LINE) -> Event:
    time = START + (uptime_ms or 0) / 1000
    return Event(boot_id, seq, time, uptime_ms, "alloc", 61440, 6821, "rm", text)


def fill_with_holes(store: Store) -> None:
    """Frames 1..3 lost, a snapshot of frames 4 and 5, an event 6, a snapshot 7, 8 to 11 missing, a snapshot 12."""
    store.add_gap("xp", Gap(BOOT_ID, 1, 3, OVERWRITTEN, START))
    store.add_event("xp", kernel_event(6, 30000))
    for shot in (snapshot(12), snapshot(7), snapshot(5, frames=2)):
        store.add_snapshot("xp", shot)


def config(*needs: Need, **alert: str | int) -> Config:
    """A configuration that reports at once and judges `rm`, unless other values are given."""
    settings = {"batch_s": 0, "hold_samples": 2, "clear_samples": 3, **alert}
    return Config(Collector(Path("unused.db"), hole_patience_s=60), needs=needs or (RM,), alert=Alert(**settings))


def captured(name: str) -> tuple[Snapshot, dict[str, str]]:
    """A real capture of /proc as (snapshot, facts)."""
    proc = FIXTURES / "captures" / name / "proc"
    blocks = [line.replace(",", "").split() for line in (proc / "buddyinfo").read_text().splitlines()]
    zones = tuple(_captured_zone(fields, (proc / "zoneinfo").read_text()) for fields in blocks)
    page_bytes = "8192" if "8k" in name else "4096"
    facts = {**FACTS, "kernel": (proc / "sys/kernel/osrelease").read_text().strip(), "page_bytes": page_bytes}
    return replace(snapshot(1), zones=zones, free_pages=None), facts


def _captured_zone(fields: list[str], zoneinfo: str) -> Zone:
    """One line of buddyinfo (Node 0 zone NAME blocks...) with its marks."""
    name = fields[3]
    text = re.search(rf"^Node +{fields[1]}, zone +{name}$(.*?)(?=^Node|\Z)", zoneinfo, re.MULTILINE | re.DOTALL)
    assert text is not None
    marks = [int(re.findall(rf"^ +{mark} +(\d+)$", text[1], re.MULTILINE)[0]) for mark in ("min", "low", "high")]
    reserves = re.findall(r"protection: \((.*)\)", text[1])[0].split(", ")
    names = list(dict.fromkeys(re.findall(r"zone +(\S+)", zoneinfo)))
    reserve = int(reserves[names.index("Normal")])
    return Zone(int(fields[1]), name, tuple(map(int, fields[4:])), *marks, reserve)


@cache
def trace(name: str) -> list[tuple[Snapshot, str]]:
    """A board's recorded trace as (snapshot, kernel lines), one row for each poll of 5 s; marks 70, 87, 104."""
    rows = []
    lines = (FIXTURES / "traces" / f"{name}.tsv").read_text().splitlines()
    for seq, line in enumerate(lines[1:], 1):
        fields = line.split("\t")
        nr_free = tuple(map(int, fields[5:16]))
        rows.append((replace(snapshot(seq), zones=(zone(nr_free, (70, 87, 104)),)), fields[16]))
    return rows
