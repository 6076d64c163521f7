"""What to do about it: only what is true for the board that it is about."""

from __future__ import annotations

from buddywatch.model.alerts import KERNEL_FAILURE, LOST, REBOOTED, REFUSED, SILENT, TIGHT, MessageFacts
from buddywatch.model.samples import NOT_HELD, OVERWRITTEN, REBOOT
from buddywatch.notify.claims import Claim
from buddywatch.text import verdict_words
from buddywatch.text.escape import wrapped

_MEMORY_RULES = (REFUSED, TIGHT, KERNEL_FAILURE)


def advice_lines(claims: list[Claim], facts: MessageFacts, lacks_memory: bool) -> list[str]:
    """One paragraph for each thing to do; [] where there is nothing to do. lacks_memory: it is not the pieces."""
    rules = {claim.rule for claim in claims if claim.is_bad}
    advice: list[str] = []
    if rules & set(_MEMORY_RULES):
        advice += [verdict_words.FREE_SOME] if lacks_memory else _memory(facts.facts)
    if SILENT in rules:
        advice += _silent(facts)
    if REBOOTED in rules:
        advice.append(f"If nobody meant it to: `buddywatch history {facts.board}` shows the memory before it.")
    if LOST in rules:
        advice += _lost(facts)
    return [line for text in advice for line in wrapped(text, "  - ", "    ")]


def _memory(board: dict[str, str]) -> list[str]:
    if board.get("nommu") == "1" or board.get("compaction") == "impossible":
        return _no_mmu(board)
    if board.get("compaction") == "supported":
        return [verdict_words.compacting(board.get("kernel", ""))]
    if board.get("compaction") == "not-compiled":
        return [verdict_words.NO_COMPACTION]
    return [verdict_words.REBOOT_OR_END]


def _no_mmu(board: dict[str, str]) -> list[str]:
    advice = [verdict_words.NO_MMU_CANNOT_MOVE, verdict_words.STAY_RESIDENT, verdict_words.USE_BUILTINS]
    trim = board.get("trim", "")
    if trim.isdecimal() and int(trim) > 0:
        advice.append(verdict_words.trimming(int(trim)))
    return advice


def _silent(facts: MessageFacts) -> list[str]:
    ring = facts.facts.get("ring")
    if ring == "0":
        return [
            "Look whether the board has power, whether its cable or network is in place and whether one can still "
            "log in; `buddywatch status` shows the state of its link.",
            "It has no agent: what happens before the link is back stays unknown.",
        ]
    held = f" ({ring} bytes)" if ring else ""
    return [
        "Look whether the board has power, whether its cable is in place and whether buddyd runs on it; "
        "`buddywatch status` shows the state of its link.",
        f"If it still runs, its ring{held} keeps the newest snapshots until the link is back.",
    ]


def _lost(facts: MessageFacts) -> list[str]:
    reasons = {gap.reason for gap in facts.gaps}
    advice = []
    if OVERWRITTEN in reasons:
        ring = facts.facts.get("ring", "?")
        advice.append(
            f"The board's ring of {ring} bytes was too small for the time without a link: a larger --ring or a longer "
            "--interval of buddyd bridges more."
        )
    if NOT_HELD in reasons:
        advice.append("Without an agent nobody holds what the link misses; buddyd on the board would.")
    if REBOOT in reasons:
        advice.append(
            "What a ring holds is gone when the board or buddyd starts anew; only a link that stays up helps."
        )
    return advice
