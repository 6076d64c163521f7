"""Lines that look like failed allocations and are none: a task that waits, an allocation that takes long and goes on.

kernel/hung_task.c "blocked for more than", mm/page_alloc.c "page allocation stalls for" (4.10 to 4.14),
kernel/watchdog.c "soft lockup", kernel/rcu/tree_stall.h "rcu_sched self-detected stall",
mm/vmscan.c of vendors "kswapd" lines that tell of its CPU time.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import COMM, form

FAMILY = "stalls"
HUNG, SLOW, LOCKUP, RCU = "hung-task", "slow-allocation", "soft-lockup", "rcu-stall"

FORMS = (
    form(HUNG, "blocked", r"\bINFO: task (?P<process>[^\n]{1,32}?):(?P<pid>\d{1,10}) (?:<[^>\n]{1,40}> )?"
         r"(?:blocked|is blocked)(?: in I/O wait)? for more than (?P<seconds_number>\d{1,6}) seconds"),
    form(SLOW, "stalls", rf"{COMM}: page allocation stalls for (?P<stall_ms_number>\d{{1,9}})ms, "
         r"order:(?P<page_order>\d{1,2})"),
    form(LOCKUP, "lockup", r"\bsoft lockup - CPU#\d{1,4} stuck for (?P<seconds_number>\d{1,6})s! "
         r"\[(?P<process>[^\n\]]{1,32}?):(?P<pid>\d{1,10})\]"),
    form(RCU, "stall", r"\brcu\w{0,16}:? (?:INFO: )?\w{0,16} ?(?:self-)?detected stalls?\b"),
)  # fmt: skip
