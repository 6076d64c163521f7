"""Out of memory: what the OOM killer printed around or without its header, and the limits of control groups.

The header ("NAME invoked oom-killer: ...") is read with the page allocator's messages. Here are, from mm/oom_kill.c and
mm/memcontrol.c: the choice of a victim and its end in the spellings of 2.4 to 7.2 ("Out of Memory: Killed process",
"kill process ... or a child", "Kill process ... or sacrifice child", "Killed process ... total-vm:"),
"oom-kill:constraint=" (5.0), usage and limit of a control group (2.6.29), its statistics (3.9; other names and bytes
from 5.3), and "VM: killing process" of the page fault handlers (2.4 to 2.6.3x).
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import Notice, form

FAMILY = "oom"
CHOSEN, KILLED, FAULT, CONSTRAINT, NOBODY = "chosen", "killed", "fault", "constraint", "nobody"
LIMIT, USAGE, STATS, GROUP, TRACE = "limit", "usage", "stats", "group", "trace"

_REASON = r"(?P<reason>(?:Memory cgroup )?[Oo]ut of [Mm]emory(?: \([^)\n]{1,40}\))?)"
_NO_PID = r"(?=\([^)\n]{1,16}\),?\s{1,4}(?:total-vm|anon-rss):)"  # somebody left it out
_VICTIM = r"\((?P<victim>[^\n]{1,32}?)\)(?=[\s,.\"'`<\\\u201d]|$)"
_PID = r"(?P<victim_number>\d{1,10})"
# A terminal may fold a path; the rest of it is then alone on its line.
_PATH = r"/[^\s:,]{0,400}(?:\n[^\s:,\[]{1,400}$)?"
_NEXT, _ENDS = r",\s{0,20}", r"(?=,\s{0,20}[a-z_]{2,16}[=,]|$)"  # parts may be left out, or stand on the next line
FORMS = (
    form(KILLED, "illed", rf"(?:{_REASON}: )?\b[Kk]illed process (?:{_PID}|{_NO_PID})"
         rf"(?:,?[\s\"'+\\]{{0,8}}(?:UID \d{{1,10}},\s{{0,4}})?{_VICTIM})?"
         r"(?:,? (?:UID \d{1,10}, )?(?:total-vm|vsz):(?P<vm_kb>\d{1,15})kB)?(?:,? anon-rss:(?P<anon_kb>\d{1,15})kB)?"
         r"(?:,? file-rss:(?P<file_kb>\d{1,15})kB)?(?:,? shmem-rss:(?P<shmem_kb>\d{1,15})kB)?"),
    form(CHOSEN, "Kill process", rf"{_REASON}: Kill process {_PID}\s{{0,4}}{_VICTIM}"),
    form(CHOSEN, "kill process", rf"{_REASON}: kill process {_PID}\s{{0,4}}{_VICTIM}"),
    form(CHOSEN, "child", rf"{_REASON}: [Kk]ill process {_PID}\s{{0,4}}{_VICTIM} score -?\d{{1,20}} (?:or|and) "
         r"(?:a |sacrifice )?child"),
    form(CONSTRAINT, "constraint=", r"\boom-kill:constraint=(?P<constraint>\w{1,40})"
         rf"(?:{_NEXT}nodemask=(?P<nodemask>[^=\n]{{0,60}}?){_ENDS})?"
         rf"(?:{_NEXT}cpuset=(?P<cpuset>[^\n]{{0,300}}?){_ENDS})?"
         rf"(?:{_NEXT}mems_allowed=(?P<mems>[\d,-]{{1,60}}?){_ENDS})?"
         rf"(?:{_NEXT}oom_memcg=(?P<cgroup>[^\n,]{{0,400}}))?(?:{_NEXT}global_oom)?"
         rf"(?:{_NEXT}task_memcg=(?P<task_cgroup>[^\n,]{{0,400}}))?"
         rf"(?:{_NEXT}task=(?P<victim>[^\n]{{1,16}}?),\s{{0,20}}pid=(?P<victim_number>\d{{1,10}}))?"),
    form(LIMIT, "limit", rf"\bTask in (?P<task_cgroup>{_PATH}) killed as a result of limit of (?P<cgroup>{_PATH})"),
    form(USAGE, "usage", r"\b(?P<what>memory\+swap|memory|swap|kmem): usage (?P<usage_kb>\d{1,20})kB, "
         r"limit (?P<limit_kb>\d{1,20})kB, failcnt (?P<fails_number>\d{1,20})"),
    form(STATS, "stats", rf"\bMemory cgroup stats(?: for (?P<cgroup>{_PATH}))?:\s{{0,4}}(?P<stats>"
         r"(?:[a-z_()]{2,32}(?::\d{1,15}(?:\n\d{1,12})?KB| \d{1,20})\s{1,4}){1,80})"),
    form(GROUP, "memory.oom.group", rf"\bTasks in (?P<cgroup>{_PATH}) are going to be killed due to memory.oom.group"),
    form(TRACE, "mem_cgroup_o", r"\bmem_cgroup_(?:out_of_memory|oom_synchronize|oom)\b"),
    form(NOBODY, "killable", r"\bOut of memory and no killable processes", may_begin_above=True),
    form(NOBODY, "deadlocked", r"\bSystem is deadlocked on memory", may_begin_above=True),
    # The first words of a line that was folded before them.
    *(form(CHOSEN, word, rf"{_REASON}: [Kk]ill process {_PID}\s{{0,4}}{_VICTIM}", 1)
      for word in ("memory", "Kill", "kill", "process")),
    form(FAULT, "killing", r"\bVM: killing process (?P<victim>\S{1,16})"),
)  # fmt: skip
_OF_A_GROUP = (LIMIT, USAGE, STATS, GROUP, TRACE)


def is_about_a_group(notice: Notice) -> bool:
    """True if a control group reached its limit, not the machine."""
    return (
        notice.form in _OF_A_GROUP
        or notice.words.get("reason", "").startswith("Memory cgroup")
        or notice.words.get("constraint") == "CONSTRAINT_MEMCG"
    )


def victims(found: list[Notice]) -> list[str]:
    """ "NAME (PID)" of the processes that ended: those that were killed, else the chosen one."""
    for names in ((KILLED, FAULT), (CONSTRAINT, CHOSEN)):
        told = [_victim(notice) for notice in found if notice.form in names]
        if told:
            pids = {name.partition(" (")[0] for name in told if " (" in name}
            return list(dict.fromkeys(name for name in told if name not in pids))
    return []


def killer(found: list[Notice]) -> str:
    """Who ended the processes of victims(). A page fault that gets no page ends its own process (do_page_fault() of 2.4
    and 2.6), which is not the OOM killer's choice."""
    told = {notice.form for notice in found}
    return "the page fault handler" if FAULT in told and KILLED not in told else "the OOM killer"


def _victim(notice: Notice) -> str:
    number = notice.numbers.get("victim_number")
    name = notice.words.get("victim", "a process")
    return name + ("" if number is None else f" ({number})")
