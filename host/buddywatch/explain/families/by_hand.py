"""The OOM killer called by a person: SysRq-F. drivers/tty/sysrq.c, 2.6.13 to 7.2."""

from __future__ import annotations

import re

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.raw import Message, Raw

# The order is -1 from 4.1 on; before, the work in the call trace or the line of the key tells it.
_KEY = re.compile(r"\border=-1, oom_|\bmoom_callback\b|\b[Ss]ys[Rr]q ?: (?:SysRq : )?Manual OOM execution")
_KEY_CHARS, _TRACE_CHARS = 600, 4000


def is_so(message: Message, raw: Raw) -> bool:
    """True if the key, or its work, stands right above the report or in its call trace."""
    if not raw.has_sysrq_f:
        return False
    return bool(_KEY.search(raw.text, raw.start_of(message, _KEY_CHARS), raw.end_of(message, _TRACE_CHARS)))


def finding() -> Finding:
    return Finding(
        "called by hand (SysRq-F)",
        "Somebody asked for it: SysRq-F, on a keyboard or by `echo f > /proc/sysrq-trigger`, ends the program that the "
        "OOM killer would choose, however much is free.",
        "The OOM killer was called by hand (SysRq-F). No request for memory had failed.",
        reasons.BY_HAND,
        False,
        (
            Remedy(
                "sysrq",
                "Look for who wrote `f` to /proc/sysrq-trigger, or typed it: a script, a watchdog, a tool against low "
                "memory. `kernel.sysrq` decides which keys are allowed.",
                short="look for who typed SysRq-F, or wrote `f` to /proc/sysrq-trigger",
            ),
        ),
        "Killed",
    )
