"""Android's low memory killer. drivers/staging/android/lowmemorykiller.c of 3.10, lmkd."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import one_line

_DRIVER = (
    "No allocation failed. Android's low memory killer ends programs early, by thresholds of its own: the less "
    "page cache is left, the more important programs it ends (adj: 0 is the one in front, 900 and more are idle)."
)
_DAEMON = (
    "No allocation failed. Android's low memory killer, here the daemon lmkd, ends programs early: the longer others "
    "wait for memory (PSI), the more important ones (adj: 0 is the one in front, 900 and more are idle)."
)
_MINFREE = Remedy(
    "minfree",
    "/sys/module/lowmemorykiller/parameters/minfree holds the thresholds in pages, adj the levels beside them: "
    "lower ones kill later, and risk that the kernel's own OOM killer comes first.",
    short="fewer programs in the background, or lower thresholds (lowmemorykiller/parameters/minfree)",
)
_PROPERTIES = Remedy(
    "lmkd",
    "Fewer programs in the background, or smaller ones. lmkd takes its limits from the properties `ro.lmk.*` "
    "(`getprop | grep lmk` lists those that are set), which only a new build of the system changes.",
    short="fewer or smaller programs in the background",
)


def finding(message: Message, raw: Raw) -> Finding:
    numbers = {key: value for notice in message.notices for key, value in notice.numbers.items()}
    words = {key: value for notice in message.notices for key, value in notice.words.items()}
    is_daemon = "daemon" in words
    cause = "The text does not show the thresholds."
    if "cache_kb" in numbers:
        cause = (
            f"The page cache, {numbers['cache_kb']} kB, was below the threshold of {numbers['limit_kb']} kB for "
            f"programs with adj {words['from_adj']} and more."
        )
    if numbers.get("cache_kb", 0) >= numbers.get("limit_kb", 1):
        cause = (
            f"Its line says that the page cache, {numbers['cache_kb']} kB, was below {numbers['limit_kb']} kB, which "
            "it was not: a vendor's kernel that goes by something else."
        )
    if words.get("why"):
        cause = f"Its reason (lmkd): {one_line(words['why'], 120)}."
    if "freed_kb" in numbers:
        cause += f" Its end frees {numbers['freed_kb']} kB."
    if words.get("spare", "").startswith("-"):
        cause += (
            f" Free memory was {words['spare'].lstrip('-')} kB less than the kernel's reserves (totalreserve_pages): "
            "it was short of memory in all."
        )
    background = Remedy("free_memory", "Fewer programs in the background, or smaller ones: it is about memory in all.")
    remedies = (
        *([_PROPERTIES] if is_daemon else [_MINFREE, background]),
        Remedy("compaction", "Compaction: no request for a block of contiguous pages failed.", helps=False),
    )
    asked = _DAEMON if is_daemon else _DRIVER
    amount = "a program, whose name is not in the text"
    return Finding(
        amount, asked, cause, reasons.LOW_MEMORY_KILLER, False, remedies, "Killed", "Android's low memory killer"
    )
