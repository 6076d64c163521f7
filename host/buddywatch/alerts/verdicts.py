"""The verdicts of one board's snapshots, and what the rules about needs make of them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.alerts import signals
from buddywatch.config.sections import Board, Need
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.judge import judge, page_bytes_of, rule_of

JudgedBy = tuple[str | None, int | None]  # the kernel's rule, and the page size


@dataclass(frozen=True)
class Judged:
    """The verdict on a snapshot, for each need. levels: of each rule about a need that is on, for each need."""

    boot_id: str
    blocks: object
    judged_by: JudgedBy
    needs: tuple[NeedState, ...]
    levels: tuple[str | None, ...]


class Verdicts:
    """An idle board sends the same blocks again: they are judged only once."""

    def __init__(self, needs: tuple[Need, ...], settings: Board, rules: tuple[str, ...]) -> None:
        """rules: those about needs that are on."""
        self._needs = needs
        self._settings = settings
        self._rules = rules
        self._judged_by: dict[str, JudgedBy] = {}  # by boot id
        self._last: Judged | None = None

    def learn(self, boot: Boot) -> None:
        """The facts for judging the boot's snapshots."""
        rule = self._settings.rule or rule_of(boot.facts)
        self._judged_by[boot.boot_id] = rule, self._settings.page_bytes or page_bytes_of(boot.facts)
        self._last = None

    def of(self, snapshot: Snapshot) -> Judged:
        """The verdict on a snapshot of a boot that was learned."""
        last = self._last
        if last is None or last.boot_id != snapshot.boot_id or last.blocks != snapshot.blocks:
            last = self._last = self._judge(snapshot)
        return last

    def _judge(self, snapshot: Snapshot) -> Judged:
        rule, page_bytes = self._judged_by[snapshot.boot_id]
        needs = tuple([judge(snapshot, page_bytes, need, rule) for need in self._needs])
        levels = tuple([signals.LEVELS[of](need) for need in needs for of in self._rules])
        return Judged(snapshot.boot_id, snapshot.blocks, (rule, page_bytes), needs, levels)
