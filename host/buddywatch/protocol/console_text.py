"""What the kernel says in the text of a console that it shares with a shell: behind a prompt, or half a command. Pure.

printk begins where the cursor stands, so that its line may have anything before it; a line that the agent reads in the
kernel's own log has not.
"""

from __future__ import annotations

import re

from buddyd.sources import kernel_messages

# How lines of kernlog begin, apart from "COMM: ..." and "COMM invoked ...", of which only a prompt's end tells.
_BEGINNINGS = re.compile(
    r"<\d{1,3}>|\[ *\d+\.\d+\]|nommu: |Allocation of |Out of memory|Memory cgroup out of memory|Killed process"
    r"|binfmt_flat: |Unable to |(?<=[#$>%] )"
)

KernelMessage = tuple[tuple[str, int, int | None, str | None], int | None, str]


def kernel_message(text: str) -> KernelMessage | None:
    """(kernlog.parse()'s answer, centiseconds since boot or None, the kernel's line) for text that ends with one."""
    for start in (0, *(match.start() for match in _BEGINNINGS.finditer(text))):
        line, stamp_cs, _ = kernel_messages.strip_prefix(text[start:])
        found = kernel_messages.parse(line)
        if found is not None and not _is_prompt(found[3]):
            return found, stamp_cs, line
    return None


def _is_prompt(comm: str | None) -> bool:
    """Whether what stands where the process's name should be holds a prompt as well."""
    return comm is not None and re.search(r"[#$>%] |\] ", comm) is not None
