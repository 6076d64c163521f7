"""What helps a board that is open in the live view, a line each: the quickest first; `e` says all."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.config.sections import Config
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.store.store import Store
from buddywatch.terminal.view import BoardLine
from buddywatch.text import verdict_words
from buddywatch.text.escape import one_line


def at_once(
    store: Store, config: Config, name: str, boot: Boot | None, snapshot: Snapshot | None, state: BoardState | None
) -> tuple[str, ...]:
    """Whose end, and which value of vm.min_free_kbytes, let what is refused now succeed; as mails and `explain` say."""
    if boot is None or snapshot is None or state is None:
        return ()
    refused = {need.name for need in state.needs if need.verdict == watermark.REFUSED}
    if not refused:
        return ()
    # What explains failures is loaded only while a need is refused.
    from buddywatch.explain.board_state import lower_reserves
    from buddywatch.store.memory_maps import rescues_now

    needs = [need for need in config.needs_of(config.name_of(name, boot.facts)) if need.name in refused]
    found = []
    for rescue in rescues_now(store, name, snapshot, state, needs):
        programs = " and ".join(f"{one_line(one.name, 15)} {one.pid}" for one in rescue.programs)
        found.append(f"end {programs}: {one_line(rescue.need)} succeeds then")
    reserves = lower_reserves(snapshot, boot.facts, state.page_bytes, needs)
    return (*found, *(f"or at once: {remedy.short.replace('`', '')}" for remedy in reserves[:1]))


def in_the_long_run(board: BoardLine, facts: dict[str, str]) -> list[str]:
    """The first words of it."""
    need = board.need
    if need is None or (need.failing_s is None and need.forecast.in_s is None and need.verdict == watermark.OK):
        return []
    if facts.get("nommu") == "1" or facts.get("compaction") == "impossible":
        return [f"{verdict_words.PLAN_A_REBOOT_IN_SHORT}; e explains what else helps"]
    if facts.get("compaction") == "supported":
        return ["echo 1 > /proc/sys/vm/compact_memory moves memory together; e explains what else helps"]
    return [verdict_words.REBOOT_OR_END]
