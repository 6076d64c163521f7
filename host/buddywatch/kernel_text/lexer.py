"""Finds the pieces of kernel text that are about memory. Every pattern is bounded, so the time is linear.

Formats: mm/page_alloc.c and mm/show_mem.c (dumps), mm/vmstat.c (buddyinfo, zoneinfo, pagetypeinfo, vmstat),
fs/proc/meminfo.c, fs/proc/version.c; 2.6.24 to 7.2. The text is matched piece by piece, not line by line, because in
pasted text lines are joined, wrapped and quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_RELEASE = r"\d{1,2}\.\d{1,3}[\w.+~-]{0,60}"
# zone_names[] of mm/page_alloc.c, 2.4 to 7.2
_NODE = r"(?:\bNode (?P<%s_node>\d{1,4})\s{1,3})?\b(?P<%s_name>DMA(?:32)?|Normal|HighMem|Movable|Device)\b"
_LEFT_OUT = r"(?:[.\u2026]{1,8}|\[[.\u2026]{1,4}\]|<snip>|\[snip\]|\(\.\.\.\))"
_KEYS = (
    "free|min|low|high|boost|present|managed|reserved_highatomic|free_highatomic|free_cma|active_file|inactive_file"
    "|active_anon|inactive_anon|unevictable|shmem|slab_reclaimable|slab_unreclaimable|slab|kernel_stack|pagetables"
    "|dirty|writeback|writepending|zspages"
)

# kind: pattern. No pattern starts with blanks or within a word.
_PATTERNS = {
    # "Node 0, zone      DMA      2      8": buddyinfo; with ", type Unmovable" pagetypeinfo; without numbers zoneinfo
    "row": r"\bNode[ \t]{1,8}(?P<row_node>\d{1,4}),[ \t]{1,8}zone\s{1,16}(?P<row_name>[A-Za-z]\w{0,15})"
    r"(?P<row_rest>(?:,[ \t]{1,4}type[ \t]{1,24}\w{1,16})?(?:[ \t]{1,16}>?\d{1,9}(?![\w.*:,])){0,40})"
    r"(?P<row_end>[ \t]{0,8}$)?",
    "zone": _NODE % ("zone", "zone") + r"\s{1,2}(?=free:\d{1,15}kB)",
    # 2.4: "Zone:DMA freepages: 13800kB min:   128kB low:   256kB high:   384kB"; the lists below have no names
    "old_zone": r"\bZone:(?P<old_name>[A-Za-z]\w{0,15})\s{1,3}freepages:\s{0,8}(?P<old_free>\d{1,12})kB\s{1,3}"
    r"min:\s{0,8}(?P<old_min>\d{1,12})kB\s{1,3}low:\s{0,8}(?P<old_low>\d{1,12})kB",
    # "Normal: ... 3*1024kB": the first sizes were left out
    "head": _NODE % ("head", "head") + rf":\s{{1,4}}(?P<front>{_LEFT_OUT}\s{{0,4}})?(?=\d{{1,9}}\*\d)",
    "block": r"\b(?P<count>\d{1,9})\*(?P<unit>\d{1,9})kB(?:\s{1,2}\((?P<letters>[A-Z]{0,8})\))?",
    "total": r"=(?:\s{1,2}(?P<total_kb>\d{1,15})kB)?(?=\)?(?:\s|$))",
    # protections: to 2.6.11-rc
    "reserve": r"(?:lowmem_reserve|protections)\[\]:(?P<reserves>(?:\s{1,3}\d{1,20}(?![\w.*:])){0,8})",
    "protection": r"^protection: \((?P<protections>[\d, ]{1,99})\)",
    "meminfo": r"\b(?P<mem_key>MemTotal|MemFree|Buffers|Cached|Shmem|Active\(file\)|Inactive\(file\)|MmapCopy"
    r"|SReclaimable|SUnreclaim|AnonPages|Unevictable|Dirty|Writeback|KernelStack|PageTables|CmaTotal|CmaFree"
    r"|HighTotal):[ \t]{1,32}(?P<mem_kb>\d{1,15}) kB",
    "pair": rf"\b(?P<key>{_KEYS}):(?P<value>\d{{1,15}})(?![\d*.:])(?P<kb>[kK]B)?",
    "threshold": r"^vm stats threshold: (?P<threshold_pages>\d{1,9})$",
    "pages": r"^pages free[ \t]{1,12}(?P<pages_free>\d{1,15})$",
    "mark": r"^(?P<mark_key>boost|min|low|high|present|managed)[ \t]{1,12}(?P<mark_pages>\d{1,15})$",
    "pagesets": r"^pagesets$",
    # "1012736 pages RAM", "131072 pages cma reserved": the end of a dump; "pages of RAM" on Arm to 3.10
    "footer": r"\b(?P<footer_pages>\d{1,12}) (?:pages (?:of )?(?P<footer_key>RAM|reserved|cma reserved)"
    r"|(?P<footer_arm>reserved|free) pages)\b",
    "huge": r"\bhugepages_total=(?P<huge_total>\d{1,9}) hugepages_free=(?P<huge_free>\d{1,9}) [^\n]{0,60}?"
    r"hugepages_size=(?P<huge_kb>\d{1,9})kB",
    "swap": r"\b(?P<swap_key>Free|Total) swap {1,2}= {1,2}(?P<swap_kb>\d{1,15})kB",
    "compacts": r"^compact_(?:stall|fail|success)[ \t]{1,4}\d{1,18}$|CONFIG_COMPACTION=y",
    "no_compacts": r"# CONFIG_COMPACTION is not set",
    "sysctl": r"\b(?P<sysctl_key>min_free_kbytes|nr_trim_pages|min_free_order_shift)"
    r"(?:\s{0,3}[=:]\s{0,3}|\s<==\s{1,2})(?P<sysctl_value>\d{1,9})\b(?!\.)",
    "task": r"\b(?:CPU: \d{1,4}(?: UID: \d{1,9})? PID|Pid): (?P<pid>\d{1,9}),? [Cc]omm: (?=(?P<comm>[^\n]{1,40}))"
    r"(?:(?P<task_comm>[^\n]{1,32}?) (?:Kdump: loaded )?(?:Not tainted|Tainted:[\sA-Z()-]{1,60}?)\s{0,12}"
    rf"(?P<task_release>{_RELEASE}))?",
    "release": rf"\b(?:uC|uc)?[Ll]inux version (?P<version_release>{_RELEASE})"
    rf"|\bLinux [^\s#]{{1,64}} (?P<uname_release>{_RELEASE}) #\d"
    rf"|osrelease\s{{0,3}}[=:]\s{{0,3}}(?P<osrelease>{_RELEASE})",
    "prose": r"\b[Kk]ernel (?:version )?v?(?P<prose_release>\d\.\d{1,3}\.\d[\w.+~-]{0,60})",
    # "/dev/root / romfs ro,relatime 0 0": /proc/mounts; "/dev/root on / type romfs (ro)": `mount`
    "mount": r"^(?P<mount_source>\S{1,99}) (?:on )?(?P<mount_folder>/\S{0,99}) (?:type )?(?P<mount_type>[a-z]\w{1,15})"
    r" \(?r[ow](?=[,\s)])",
    "block_types": r"\bNumber of blocks type\b",
    "machine": r"\b(?:x86_64|i[3-6]86|amd64|RIP(?=: )|EFLAGS(?=: )|entry_SYSCALL_64|Xen HVM domU)(?!\w)",
    # syslogd, for lines that are alike
    "repeated": r"\blast message repeated (?P<times>\d{1,6}) times?\b",
    "meminfo_start": r"\bMem-[Ii]nfo:",
    # "2 x 4 kB" on a line of its own: the author counted blocks by hand
    "claim": r"^(?:[^\w\s]{1,2}[ \t]{1,8})?(?P<claim_count>\d{1,9}) ?[x\u00d7*] ?(?P<claim_kb>\d{1,9}) ?kB[.,;]?$",
}
# The first character of a word rules out most kinds, so that few patterns are tried at each: (what stands there,
# kinds). At any place the first pattern that matches counts, in this order.
_STARTS = (
    (r"(?=\d)", ("block", "footer")),
    (r"(?=[a-z])", ("reserve", "pair", "huge", "sysctl")),
    (r"(?=[A-Z])", ("row", "zone", "old_zone", "head", "meminfo", "swap", "task")),
    (r"(?==)", ("total",)),
    (r"^", ("protection", "pages", "mark", "pagesets", "threshold", "mount", "claim")),
    (r"(?=[aceiklouxCEKLMNRX#])", (
        "compacts", "no_compacts", "release", "prose", "block_types", "machine", "repeated", "meminfo_start",
    )),
)  # fmt: skip
_TOKENS = re.compile(
    r"(?<!\w)(?=\S)(?:"
    + "|".join(f"{start}(?:{'|'.join(f'(?P<{kind}>{_PATTERNS[kind]})' for kind in kinds)})" for start, kinds in _STARTS)
    + ")",
    re.MULTILINE,
)


def tokens(text: str, progress: Callable[[float], None] = lambda done: None) -> Iterator[re.Match[str]]:
    """All matches in text, in order. match.lastgroup is the kind (the outermost group closes last)."""
    for number, match in enumerate(_TOKENS.finditer(text)):
        if number % 8192 == 0:
            progress(match.end() / len(text))
        yield match
