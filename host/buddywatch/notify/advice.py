"""What to do about it: only what is true for the board that it is about."""

from __future__ import annotations

import re

from buddywatch.model import OVERWRITTEN, REBOOT
from buddywatch.model_alerts import KERNEL_FAILURE, LOST, REBOOTED, REFUSED, SILENT, TIGHT, MessageFacts
from buddywatch.notify.claims import Claim
from buddywatch.notify.text import one_line, wrapped

_MEMORY_RULES = (REFUSED, TIGHT, KERNEL_FAILURE)
_FREE_SOME = (
    "Too little memory is free, in whatever pieces: end programs that can be spared, and remove files from ramfs, "
    "tmpfs and RAM disks, which are memory too."
)


def advice_lines(claims: list[Claim], facts: MessageFacts, lacks_memory: bool) -> list[str]:
    """One paragraph for each thing to do; [] where there is nothing to do. lacks_memory: it is not the pieces."""
    rules = {claim.rule for claim in claims if claim.is_bad}
    advice: list[str] = []
    if rules & set(_MEMORY_RULES):
        advice += [_FREE_SOME] if lacks_memory else _memory(facts.facts)
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
        return [_compact(board.get("kernel", ""))]
    if board.get("compaction") == "not-compiled":
        return [
            "This kernel was built without compaction (CONFIG_COMPACTION): only a reboot, or ending the programs that "
            "hold the memory, makes large blocks again."
        ]
    return ["A reboot, or ending the programs that hold the memory, makes large blocks again."]


def _no_mmu(board: dict[str, str]) -> list[str]:
    advice = [
        "This board has no MMU, so its kernel cannot move memory together (compaction is impossible): only a reboot "
        "makes large blocks again. Plan one before the request is needed.",
        "A program that is started again and again asks for its block every time. Start it once and let it sleep "
        "until there is work: then it asks once, just after boot.",
        "In scripts, use what the shell has built in (echo, read, test, kill) instead of programs, and avoid pipes: "
        "each part of a pipe is a process of its own.",
    ]
    trim = board.get("trim", "")
    if trim.isdecimal() and int(trim) > 0:
        advice.append(
            f"vm.nr_trim_pages is {trim}: the kernel splits the block of every program to give back its unused end. "
            "`echo 0 > /proc/sys/vm/nr_trim_pages` keeps blocks whole; programs then keep that end for themselves."
        )
    return advice


def _compact(release: str) -> str:
    text = "As root on the board, `echo 1 > /proc/sys/vm/compact_memory` makes the kernel move memory together."
    version = re.match(r"(\d{1,3})\.(\d{1,3})", release)
    if version is None or (int(version[1]), int(version[2])) < (3, 3) or ".el6" in release:
        # Linux 3.3 has the two fixes in mm/compaction.c (a missing pfn_valid() and a missing page_zone() test).
        text += " Beware: kernels before 3.3, and some of RHEL 6, may crash from it; this one is"
        text += f" {one_line(release, 60)}." if release else " of unknown release."
    return text


def _silent(facts: MessageFacts) -> list[str]:
    ring = facts.facts.get("ring")
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
    if REBOOT in reasons:
        advice.append(
            "What a ring holds is gone when the board or buddyd starts anew; only a link that stays up helps."
        )
    return advice
