"""Advice for a message: what to do, only as far as it is true for this board."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from buddywatch.model.alerts import KERNEL_FAILURE, LOST, REBOOTED, REFUSED, REFUSED_WITHIN, SILENT, TIGHT
from buddywatch.model.message_facts import MessageFacts
from buddywatch.model.samples import NOT_HELD, OVERWRITTEN, REBOOT
from buddywatch.notify.common import common_to_all
from buddywatch.notify.paper import wrapped
from buddywatch.notify.statements import Statement
from buddywatch.text import verdict_words
from buddywatch.text.advice import STAY_RESIDENT, USE_BUILTINS, trimming
from buddywatch.text.escape import one_line
from buddywatch.text.map_words import rescue_words

_MEMORY_RULES = (REFUSED, TIGHT, REFUSED_WITHIN, KERNEL_FAILURE)


def advice_paragraphs(statements: list[Statement], facts: MessageFacts, lacks_memory: bool) -> list[list[str]]:
    """The lines of each thing to do, the most useful first. lacks_memory: total free memory is too small."""
    return [wrapped(text, "  - ", "    ") for text in advice_texts(statements, facts, lacks_memory)]


def advice_texts(statements: list[Statement], facts: MessageFacts, lacks_memory: bool) -> list[str]:
    """The same as sentences."""
    rules = {statement.rule for statement in statements if statement.is_bad}
    advice = [facts.own_advice[rule] for rule in facts.own_advice if rule in rules] + _ends(facts)
    if KERNEL_FAILURE in rules and facts.facts.get("nommu") == "1":
        advice += _after_a_failure(facts)
    if rules & set(_MEMORY_RULES):
        advice += [verdict_words.FREE_SOME] if lacks_memory else _memory(facts.facts)
    if SILENT in rules:
        advice += _silent(facts)
    if REBOOTED in rules:
        advice.append(
            f"If nobody rebooted it on purpose: `buddywatch history {facts.board}` shows its memory before that."
        )
    if LOST in rules:
        advice += _lost(facts)
    return advice


def advice_together(statement: Statement, boards: Sequence[MessageFacts]) -> str:
    """The first thing to do about what several boards have in common; "" if it is for each board to say."""
    rule, name = statement.rule, boards[0].board
    if not statement.is_bad:
        return ""
    if rule in boards[0].own_advice:
        return boards[0].own_advice[rule]
    if rule == SILENT:
        common = common_to_all([facts.links for facts in boards])
        where = one_line(common) if common else "what they share, such as a switch or a power supply"
        return f"Look first at {where}. `buddywatch status` shows the state of each link."
    if rule == REBOOTED:
        return f"If nobody rebooted them on purpose: `buddywatch history {name}` shows its memory before that."
    if rule in _MEMORY_RULES:
        return f"`buddywatch status {name}` says what helps there, and so for each of the others."
    return ""


def lower_reserve_lines(statements: list[Statement], facts: MessageFacts) -> list[str]:
    """What lets a refused need succeed at once, at a price: one line for the shell of the board."""
    if not any(statement.is_bad and statement.rule in (REFUSED, KERNEL_FAILURE) for statement in statements):
        return []
    return [line for text in facts.lower_reserves[:1] for line in wrapped(f"At once: {text}", "  - ", "    ")]


def leads_on(statements: list[Statement], facts: MessageFacts) -> list[str]:
    """The commands that go on from here."""
    board = shlex.quote(facts.board)
    if any(statement.is_bad and statement.rule in _MEMORY_RULES for statement in statements):
        return wrapped(f"See: `buddywatch explain {board}`, `buddywatch watch {board}`", "")
    return wrapped(f"See: `buddywatch status {board}`", "")


def _ends(facts: MessageFacts) -> list[str]:
    """Whose end helps now, as far as that is certain."""
    return [f"{rescue_words(rescue)}. `buddywatch map {facts.board}` shows who holds what." for rescue in facts.rescues]


def _memory(board: dict[str, str]) -> list[str]:
    if board.get("nommu") == "1" or board.get("compaction") == "impossible":
        return _no_mmu(board)
    if board.get("compaction") == "supported":
        return [verdict_words.compacting(board.get("kernel", ""))]
    if board.get("compaction") == "not-compiled":
        return [verdict_words.NO_COMPACTION]
    return [verdict_words.REBOOT_OR_END]


def _no_mmu(board: dict[str, str]) -> list[str]:
    advice = [verdict_words.NO_MMU_CANNOT_MOVE, STAY_RESIDENT, USE_BUILTINS]
    trim = board.get("trim", "")
    if trim.isdecimal() and int(trim) > 0:
        advice.append(trimming(int(trim)))
    return advice


def _after_a_failure(facts: MessageFacts) -> list[str]:
    """What would make it worse on a board without an MMU."""
    advice = [verdict_words.RETRY] if verdict_words.damages_shell(facts.facts.get("kernel", "")) else []
    if facts.state is not None and facts.state.page_bytes:
        advice.append(
            f"{verdict_words.no_dmesg(facts.state.page_bytes)} This mail has the kernel's lines, "
            f"`buddywatch history {facts.board} --json` all of them."
        )
    return advice


def _silent(facts: MessageFacts) -> list[str]:
    ring = facts.facts.get("ring")
    if ring == "0":
        return [
            "Check that the board has power, that its cable or network works and that a login works; "
            "`buddywatch status` shows the state of its link.",
            "It has no agent, so what happens until the link is back stays unknown.",
        ]
    held = f" ({ring} bytes)" if ring else ""
    return [
        "Check that the board has power, that its cable is in place and that buddyd runs on it; "
        "`buddywatch status` shows the state of its link.",
        f"If it still runs, its ring{held} keeps the newest snapshots until the link is back.",
        f"If it was taken away: `buddywatch forget {facts.board}` ends this alert and its reminders.",
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
        advice.append("No agent on this board keeps snapshots while the link is down; buddyd would keep them.")
    if REBOOT in reasons:
        advice.append(
            "The ring is empty after a restart of the board or of buddyd; only a link that stays up prevents this loss."
        )
    return advice
