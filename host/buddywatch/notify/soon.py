"""How a mail says that a need will be refused: how many more times it can be served, and until when. Pure."""

from __future__ import annotations

from buddywatch.model.message_facts import MessageFacts
from buddywatch.model.verdicts import NeedState
from buddywatch.notify.why import asked_by
from buddywatch.text.forecast_words import AT_ANY_TIME
from buddywatch.verdict.usable import usable_blocks

_COUNTABLE = 20  # more times say nothing to a reader


def soon_words(name: str, done: str, when: str, left: int | None) -> str:
    """done: what is refused, as in "rm can start". when: as in_about() says it. left: None: not known."""
    when = when if when.startswith(AT_ANY_TIME) else f"{when} at this rate"
    if not left or left > _COUNTABLE:
        return f"{name} will soon fail to {done}: {when}"
    times = "once" if left == 1 else f"{left} times"
    return f"{name} can {done} {times} more, then no more: {when}"


def more_times(need: NeedState | None, facts: MessageFacts) -> int | None:
    """How many more times the need can be served, by the newest snapshot."""
    if need is None or facts.state is None or not facts.recent:
        return None
    asked = asked_by(need, facts.recent[-1], facts.state)
    return usable_blocks(facts.recent[-1], facts.state.page_bytes, asked, facts.state.rule)
