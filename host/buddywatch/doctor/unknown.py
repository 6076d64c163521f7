"""What could not be checked, and what would tell. Pure."""

from __future__ import annotations

from buddywatch.doctor.facts import BoardFacts


def unknown_things(facts: BoardFacts) -> list[str]:
    if facts.no_mmu is False:
        return ["this kernel has an MMU: its programs are not in one piece, and it can compact memory"]
    unknown = []
    if facts.no_mmu is None:
        unknown.append("whether the kernel has an MMU: give /proc/meminfo, or `sysctl vm.nr_trim_pages`")
    if facts.trim_pages is None:
        unknown.append("the trimming now: give what `cat /proc/sys/vm/nr_trim_pages` prints, as a file of that name")
    if not facts.programs:
        unknown.append("unused ends of programs: give the program files (bFLT or ELF)")
    if not facts.options:
        unknown.append("what BusyBox' shell runs itself: give the .config of BusyBox")
    if not facts.scripts:
        unknown.append("the boot script: give it")
    if not facts.watched_s:
        unknown.append("who is started how often: name a board that buddyd watches")
    if facts.memory_kb is None or facts.min_free_kb is None:
        unknown.append("vm.min_free_kbytes against the kernel's formula: give /proc/zoneinfo and min_free_kbytes")
    return unknown
