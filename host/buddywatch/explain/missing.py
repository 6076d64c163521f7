"""Which commands to type next if the text lacks facts, and what each would show. Pure."""

from __future__ import annotations

from buddywatch.explain.case import Case

_MOST = 3
_DMESG = ("`dmesg -n 8`", "lets the console show all that the kernel prints at the next failure")
_PRINTK = (
    "`echo 8 > /proc/sys/kernel/printk`",
    "lets the console show all that the kernel prints at the next failure, without starting a program",
)
_SYSRQ = (
    "`echo m > /proc/sysrq-trigger`",
    "prints every zone's free blocks, marks and page size into the kernel log, without starting a program",
)
_LOGLEVEL = (
    "`loglevel=8` on the kernel's command line",
    "shows on the console all that the kernel prints while it starts, where nobody can type yet",
)
_ZONEINFO = ("`cat /proc/zoneinfo`", "has the watermarks (min, low) and what each zone holds")
_BUDDYINFO = ("`cat /proc/buddyinfo`", "has the free blocks by size")
_VERSION = ("`cat /proc/version`", "has the kernel's release, which decides the rule (or give --kernel RELEASE)")
_MEMINFO = ("`cat /proc/meminfo`", "has MemFree, which with the free blocks gives the page size (or give --page-kb N)")


def commands(case: Case) -> list[tuple[str, str]]:
    """(command, what it shows), at most three, the most useful first; [] if nothing is missing."""
    if case.kernel.has_other_rule or case.answer.verdict is not None or (case.finding and case.finding.decides):
        return []
    state = case.state
    if state is None and case.before_init:
        return [_LOGLEVEL]
    if state is None:
        return [_PRINTK if case.kernel.no_mmu else _DMESG, _SYSRQ, _ZONEINFO]
    if case.answer.one_page:
        return []  # no command tells what that kernel did not print
    found = []
    if not state.is_whole or not state.zones:
        found += [_BUDDYINFO]
    if not state.zones or any(zone.marks_from is None for zone in state.zones):
        found += [_ZONEINFO]
    if len(case.kernel.rules) != 1:
        found += [_VERSION]
    if case.page_bytes is None:
        found += [_SYSRQ, _MEMINFO]
    return [*found, _SYSRQ][:_MOST] if _SYSRQ not in found else found[:_MOST]


def without_programs(case: Case) -> str:
    """How to read a file if `cat` may not start."""
    if not case.kernel.no_mmu:
        return ""
    return (
        "Where `cat` itself cannot start, the shell reads: `while read l; do echo $l; done < /proc/zoneinfo` (hush of "
        "BusyBox 1.14 or later)."
    )
