"""Checks that a store holds what an agent recorded: each frame once and in order, or a gap where the ring overwrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from buddyd.ring import Ring
from system_truth import Life, Record, Stored, check_values, stored

GONE = ("overwritten", "before-contact", "undecodable")


@dataclass
class Verdict:
    """frames: recorded by the agent. lost: in gaps, by reason. wrong: errors, one line each."""

    frames: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        self.frames += other.frames
        self.wrong += other.wrong
        for reason, count in other.lost.items():
            self.lost[reason] = self.lost.get(reason, 0) + count


def is_settled(db: Path, board: str, boot_id: str, last: int) -> bool:
    """True if every frame of a boot up to a number is in the store, or in a gap."""
    here = stored(db, board).get(boot_id)
    return here is not None and here.numbers | here.lost >= set(range(1, last + 1))


def judge(
    db: Path, board: str, record: Record, ring_bytes: int, lasts: dict[str, int], arrived: Container[bytes] = ()
) -> Verdict:
    """lasts: up to which number the newest life must be there; of the lives before it, and of one that began later than
    they were read, what the host knew of.

    arrived: frames that the collector has heard, and so cannot have missed.
    """
    verdict = Verdict(frames=sum(life.last for life in record.lives.values()))
    try:
        found = stored(db, board)
    except (AssertionError, sqlite3.Error) as error:
        verdict.wrong.append(f"{board}: {error}")
        return verdict
    order = [boot_id for boot_id in record.lives if boot_id in found]
    if list(found) != order:
        verdict.wrong.append(f"{board}: boots {list(found)}, expected {order} of {list(record.lives)}")
    newest = list(record.lives)[-1]
    for boot_id, here in found.items():
        if boot_id in record.lives:
            known = max(here.numbers | here.lost, default=0)
            last = lasts.get(boot_id, known) if boot_id == newest else known
            wrong = _wrong_in(here, record.lives[boot_id], ring_bytes, last, boot_id == newest)
            wrong += _needless(here, record.lives[boot_id], arrived)
            verdict.wrong += [f"{board}, boot {boot_id}: {text}" for text in wrong]
            for first, end, reason in causes(here):
                verdict.lost[reason] = verdict.lost.get(reason, 0) + end - first + 1
    return verdict


def _needless(here: Stored, life: Life, arrived: Container[bytes]) -> list[str]:
    """Gaps with frames that were heard, and could be decoded."""
    gone = [(first, end) for first, end, reason in here.gaps if reason != "undecodable"]
    heard = {seq for line, seq in life.numbers.items() if line in arrived}
    needless = [gap for gap in gone if heard & set(range(gap[0], gap[1] + 1))]
    return [
        f"gap {first}..{end}, of which {sorted(heard & set(range(first, end + 1)))} came" for first, end in needless
    ]


def causes(here: Stored) -> list[tuple[int, int, str]]:
    """The gaps in order; an undecodable range after another gap gets the reason of that gap."""
    found: list[tuple[int, int, str]] = []
    for first, end, reason in sorted(here.gaps):
        found.append((first, end, found[-1][2] if reason == "undecodable" and found else reason))
    return found


def _wrong_in(here: Stored, life: Life, ring_bytes: int, last: int, is_newest: bool) -> list[str]:
    wrong = []
    try:
        check_values(here, life)
    except AssertionError as error:
        wrong.append(str(error))
    missing = set(range(1, last + 1)) - here.numbers - here.lost
    if missing:
        wrong.append(f"neither stored nor in a gap: {sorted(missing)}")
    if here.numbers & here.lost:
        wrong.append(f"stored, and in a gap: {sorted(here.numbers & here.lost)}")
    ring = Ring(ring_bytes)
    for line in life.numbers:
        ring.append(line)
    for first, end, reason in causes(here):
        if reason in GONE and min(end, life.last) >= ring.oldest:
            wrong.append(f"gap {first}..{end} ({reason}), but the ring still holds {ring.oldest}..{life.last}")
        if reason not in GONE and is_newest:
            wrong.append(f"gap {first}..{end} ({reason}) in the life that goes on")
    return wrong
