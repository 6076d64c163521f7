"""What programs say about memory, where the kernel's own line may be missing: ENOMEM, and killers that are programs.

strerror(ENOMEM) of glibc and uClibc is "Cannot allocate memory", of musl "Out of memory"; systemd-oomd and earlyoom end
programs before the kernel would.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "programs"
NO_MEMORY, OOMD, EARLYOOM = "no-memory", "systemd-oomd", "earlyoom"

_CALLS = r"\b(?:v?fork|exec\w{0,3}|mmap|clone|malloc)\b"
FORMS = (
    form(NO_MEMORY, "Cannot allocate memory", r"^(?P<said>\S[^\n]{0,160}?): Cannot allocate memory\b"),
    form(NO_MEMORY, "Out of memory", rf"^(?P<said>[^\n]{{0,100}}?{_CALLS}[^\n]{{0,60}}?): Out of memory\b"),
    form(OOMD, "systemd-oomd", r"\bsystemd-oomd(?:\[\d{1,10}\])?: Killed (?P<cgroup>/\S{1,300}) due to "
         r"(?P<why>[^\n]{1,200})"),
    form(EARLYOOM, "earlyoom", r"\bearlyoom(?:\[\d{1,10}\])?: [Ss]ending SIG(?P<signal>TERM|KILL) to process "
         r"(?P<pid>\d{1,10})(?: uid \d{1,10})? [\"\u201c](?P<process>[^\n\"\u201d]{1,40})"),
)  # fmt: skip
