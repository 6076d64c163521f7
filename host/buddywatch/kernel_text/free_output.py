"""The output of `free`, and the first line of BusyBox's `top`, as facts of /proc/meminfo, in kB. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FREE = re.compile(
    r"^total +used +free +shared +(?P<heads>[^\n]{4,60})\n{1,2}Mem: +(?P<total>\d{1,12}) +\d{1,12} +(?P<free>\d{1,12}) "
    r"+(?P<shared>\d{1,12}) +(?P<buffers>\d{1,12})(?: +(?P<cached>\d{1,12}))?",
    re.MULTILINE,
)
_TOP = re.compile(
    r"^Mem: (\d{1,12})K used, (\d{1,12})K free, (\d{1,12})K shrd, (\d{1,12})K buff, (\d{1,12})K cached",
    re.MULTILINE,
)
_OTHER_UNIT = re.compile(r"\bfree (?:\S+ )?-{1,2}(?!k)[a-z]*[mgbht]")  # `free -m` and the like, in the line above
_ABOVE_CHARS = 120


def memory_by_free(text: str) -> Iterator[tuple[int, dict[str, int]]]:
    """(offset, kB by the keys of meminfo) of each output in kB; buff/cache of procps 3.3.10 and later is two in one."""
    for match in _FREE.finditer(text):
        if _OTHER_UNIT.search(text, max(match.start() - _ABOVE_CHARS, 0), match.start()):
            continue
        memory = {"MemTotal": int(match["total"]), "MemFree": int(match["free"])}
        if "buff/cache" not in match["heads"]:
            memory |= {"Shmem": int(match["shared"]), "Buffers": int(match["buffers"])}
            memory |= {"Cached": int(match["cached"])} if match["cached"] else {}
        yield match.start(), memory
    for match in _TOP.finditer(text):
        used, free, shared, buffers, cached = (int(number) for number in match.groups())
        memory = {"MemTotal": used + free, "MemFree": free, "Shmem": shared, "Buffers": buffers, "Cached": cached}
        yield match.start(), memory
