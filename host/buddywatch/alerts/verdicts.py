"""The verdicts of one board's snapshots, and what the rules about needs make of them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from buddywatch.alerts import signals
from buddywatch.config.sections import Board, Need
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.demands import Answer
from buddywatch.verdict.judge import Judge, page_bytes_of, rule_of

MADE_MAX = 4096  # verdicts that are kept for boards alike, 500 bytes each
JudgedBy = tuple[str | None, int | None]  # the kernel's rule, and the page size


@dataclass(slots=True)  # not frozen, as a Snapshot is not
class Judged:
    """The verdict on a snapshot, for each need. levels: of each rule about a need that is on, for each need."""

    judged_by: JudgedBy
    needs: tuple[NeedState, ...]
    levels: tuple[str | None, ...]


class _Judgements:
    """Of all boards with the same needs, rules, kernel's rule and page size: each possible verdict is made once."""

    def __init__(self, needs: tuple[Need, ...], judged_by: JudgedBy, rules: tuple[str, ...]) -> None:
        rule, page_bytes = self._judged_by = judged_by
        self._judge = Judge(needs, page_bytes, rule)
        self._rate = [signals.LEVELS[rule] for rule in rules]
        self._made: dict[tuple[Answer, ...], Judged] = {}

    def of(self, snapshot: Snapshot) -> Judged:
        answers = self._judge.answers(snapshot)
        judged = self._made.get(answers)
        if judged is None:
            if len(self._made) >= MADE_MAX:
                self._made.clear()
            needs = self._judge.states_of(answers)
            levels = tuple([rate(need) for need in needs for rate in self._rate])
            judged = self._made[answers] = Judged(self._judged_by, needs, levels)
        return judged


_judgements = lru_cache(maxsize=256)(_Judgements)


class Verdicts:
    """An idle board sends the same blocks again: they are judged only once."""

    def __init__(self, needs: tuple[Need, ...], settings: Board, rules: tuple[str, ...]) -> None:
        """rules: those about needs that are on."""
        self._needs = needs
        self._settings = settings
        self._rules = rules
        self._judgements: dict[str, _Judgements] = {}  # by boot id
        self._boot_id = ""  # of the last snapshot, and what of it was judged
        self._blocks: object = None
        self._last = Judged((None, None), (), ())

    def learn(self, boot: Boot) -> None:
        """The facts for judging the boot's snapshots."""
        rule = self._settings.rule or rule_of(boot.facts)
        page_bytes = self._settings.page_bytes or page_bytes_of(boot.facts)
        self._judgements[boot.boot_id] = _judgements(self._needs, (rule, page_bytes), self._rules)
        self._boot_id = ""

    def of(self, snapshot: Snapshot) -> Judged:
        """The verdict on a snapshot of a boot that was learned."""
        boot_id, blocks = snapshot.boot_id, snapshot.blocks
        if blocks != self._blocks or boot_id != self._boot_id:
            self._last = self._judgements[boot_id].of(snapshot)
            self._boot_id, self._blocks = boot_id, blocks
        return self._last
