"""Android's low memory killer: it ends programs while there is still memory, by thresholds of its own.

drivers/staging/android/lowmemorykiller.c to 4.11: "send sigkill to" (to 3.4), "Killing 'NAME' (PID), adj N," (3.10).
From 4.12 on a daemon, lmkd, does it: "lmkd: Kill 'NAME' (PID), uid N, oom_score_adj N to free NkB".
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "lowmemorykiller"
KILLED, TAIL = "killed", "tail"  # the first is also the OOM killer's word

# What is between the lines of one message; /dev/kmsg escapes the end of a line.
_LINE = r"(?:\s|\\x0a|\\n){1,12}"
_WHY = (
    r"cache (?P<cache_kb>\d{1,12})kB is below limit (?P<limit_kb>\d{1,12})kB for (?:oom_score_adj|oom_adj|oom score) "
    rf"(?P<from_adj>-?\d{{1,5}})(?:{_LINE}Free memory is (?P<spare>-?\d{{1,12}})kB above reserved)?"
)

_VICTIM = r"'(?P<victim>[^\n']{1,64})' \((?P<victim_number>\d{1,10})\)"
FORMS = (
    form(KILLED, "Killing", rf"\bKilling {_VICTIM}(?: \(tgid \d{{1,10}}\))?, adj (?P<adj>-?\d{{1,5}})"
         rf"(?:, score_adj -?\d{{1,5}})?,(?:{_LINE}(?:state\([^)\n]{{1,20}}\) )?to free (?P<freed_kb>\d{{1,12}})kB "
         rf"on behalf of '(?P<for>[^\n']{{1,32}})' \(\d{{1,10}}\) because{_LINE}{_WHY})?"),
    # as people tell it, without the process's number
    form(KILLED, "Killing", r"\bKilling '(?P<victim>[^\n']{1,64})' \(adj (?P<adj>-?\d{1,5})\)"
         r"(?:, to free (?P<freed_kb>\d{1,12})kB)?"),
    form(KILLED, "sigkill", r"\bsend sigkill to (?P<victim_number>\d{1,10}) \((?P<victim>[^\n)]{1,32})\), "
         r"(?:oom_)?adj (?P<adj>-?\d{1,5}), size (?P<size_pages>\d{1,12})"),
    form(KILLED, "Kill '", rf"\b(?P<daemon>Kill) {_VICTIM}(?:, uid \d{{1,10}})?(?:, (?:oom_score_adj|adj|oom_adj) "
         r"(?P<adj>-?\d{1,5}))?,?(?: to free (?P<freed_kb>\d{1,12})kB(?: rss)?)?(?:, \d{1,12}kB swap)?"
         r"(?:; reason: (?P<why>[^\n`\"]{1,120}))?"),
    form(TAIL, "below", rf"^\W{{0,8}}{_WHY}"),  # whose first line is not in the text
)  # fmt: skip
