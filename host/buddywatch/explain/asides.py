"""Lines of the text that look like failed allocations and are none. Pure."""

from __future__ import annotations

from buddywatch.kernel_text.messages import programs, stalls
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.text.document import Bullets, Heading, Part, plain
from buddywatch.text.escape import counted

_LISTED = 5


def aside_parts(asides: list[Notice]) -> list[Part]:
    """The meaning of these lines, once for each kind of line and process."""
    kernels = [notice for notice in asides if notice.family == stalls.FAMILY]
    programs_ = [notice for notice in asides if notice.family == programs.FAMILY]
    return [
        *_part("No failed allocations, though they look alike:", kernels),
        *_part("No failure by the kernel's own words, but about memory:", programs_),
    ]


def _part(title: str, asides: list[Notice]) -> list[Part]:
    if not asides:
        return []
    said: dict[str, int] = {}
    for notice in asides:
        words = _words(notice)
        said[words] = said.get(words, 0) + 1
    items = [words + (f" ({times} such lines)" if times > 1 else "") for words, times in list(said.items())[:_LISTED]]
    left_out = len(said) - _LISTED
    items += [f"and {left_out} more kinds of such lines"] if left_out > 0 else []
    return [Heading(title), Bullets(items)]


def _words(notice: Notice) -> str:
    who = plain(notice.process, 40) if notice.process else "a process"
    who += f" ({notice.pid})" if notice.pid is not None else ""
    numbers = notice.numbers
    if notice.family == programs.FAMILY:
        return _of_program(notice, who)
    if notice.form == stalls.HUNG:
        return (
            f"{who} waited for more than {numbers['seconds_number']} s, for a disk, a lock or memory: it still waits."
        )
    if notice.form == stalls.SLOW:
        return (
            f"{who}: a request for {counted(1 << min(numbers['page_order'], 40), 'page')} took more than "
            f"{numbers['stall_ms_number']} ms of reclaim and went on; it had not failed."
        )
    if notice.form == stalls.LOCKUP:
        return f"{who} kept a CPU for {numbers['seconds_number']} s without a pause (soft lockup)."
    return "A CPU did not come to rest for a while (RCU stall)."


def _of_program(notice: Notice, who: str) -> str:
    if notice.form == programs.NO_MEMORY:
        return (
            f"`{plain(notice.words['said'], 100)}`: a program got no memory (ENOMEM). Who refused it, and why, stands "
            "in the kernel's log: `dmesg` right after."
        )
    if notice.form == programs.OOMD:
        return (
            f"systemd-oomd ended {plain(notice.words['cgroup'], 100)}, because of {plain(notice.words['why'], 120)}: a "
            "program did it by limits of its own (oomd.conf), not the kernel."
        )
    return f"earlyoom ended {who}: a program did it by limits of its own, before the kernel's OOM killer would."
