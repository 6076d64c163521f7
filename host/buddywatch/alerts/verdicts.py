"""The verdicts of one board's snapshots, and what the rules about needs make of them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.alerts import signals
from buddywatch.config.sections import Board, Need
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.judge import Judge, page_bytes_of, rule_of

JudgedBy = tuple[str | None, int | None]  # the kernel's rule, and the page size


@dataclass(slots=True)  # not frozen, as a Snapshot is not
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
        self._rate = [signals.LEVELS[rule] for rule in rules]
        self._judged_by: dict[str, JudgedBy] = {}  # by boot id
        self._judges: dict[str, Judge] = {}  # by boot id
        self._last: Judged | None = None

    def learn(self, boot: Boot) -> None:
        """The facts for judging the boot's snapshots."""
        rule = self._settings.rule or rule_of(boot.facts)
        page_bytes = self._settings.page_bytes or page_bytes_of(boot.facts)
        self._judged_by[boot.boot_id] = rule, page_bytes
        self._judges[boot.boot_id] = Judge(self._needs, page_bytes, rule)
        self._last = None

    def of(self, snapshot: Snapshot) -> Judged:
        """The verdict on a snapshot of a boot that was learned."""
        boot_id, blocks, last = snapshot.boot_id, snapshot.blocks, self._last
        if last is None or last.boot_id != boot_id or last.blocks != blocks:
            needs = self._judges[boot_id].states(snapshot)
            levels = tuple([rate(need) for need in needs for rate in self._rate])
            last = self._last = Judged(boot_id, blocks, self._judged_by[boot_id], needs, levels)
        return last
