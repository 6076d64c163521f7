"""The OOM killer without its header, in a control group, and from a page fault. mm/oom_kill.c, mm/memcontrol.c."""

from __future__ import annotations

import re

from buddywatch.explain import reasons
from buddywatch.explain.families import by_hand
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.families.held import free_in, largest_before, largest_cache, largest_tasks
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text import versions
from buddywatch.kernel_text.gfp import flags_of
from buddywatch.kernel_text.messages import oom as forms
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import one_line

_STAT = re.compile(r"(?P<name>[a-z_()]{2,32})(?::(?P<kb>\d{1,15})(?: (?P<more>\d{1,12}))?KB| (?P<bytes>\d{1,20}))")
# The statistics' names to 5.2, and from 5.3 on.
_CACHE, _DIRTY, _SHMEM, _ANON = ("cache", "file"), ("dirty", "file_dirty"), ("shmem",), ("rss", "anon")
_NOTHING_BUT_KILL = "Which request led to it, and what was free, is not in the text"
_LOOK_ABOVE = "find the report above this line (`dmesg | grep -B 200 'Out of memory'`)"
_LOOK_FOR_HEADER = "find the line that names the request (`dmesg | grep -B 200 'Out of memory'`)"
_CPUSET = re.compile(r"^\S.{0,14} cpuset=(?P<name>\S{1,300})", re.MULTILINE)
_HEADER_CHARS = 600
_WORTH_ADVICE = 4  # of all that the group holds, the fourth part
_LIMIT_UNSET_KB = 1 << 50  # PAGE_COUNTER_MAX in kB is 9007199254740988 on 64 bit


def finding(message: Message, raw: Raw) -> Finding:
    """A header with a plain kill behind it is explained by the kernel's rule for pages."""
    if by_hand.is_so(message, raw):
        return by_hand.finding()
    if message.in_cgroup or _is_ended_by_group(message, raw):
        return _group(message, raw)
    if message.order is None:
        return _without_header(message, raw)
    return _confined(message, raw)


# --- a control group ---


def _is_ended_by_group(message: Message, raw: Raw) -> bool:
    """True for a header alone, if another line has the end of that very process at the limit of its group: a process
    that asks for more in a group is mostly the one that is ended."""
    is_alone = not message.dump and not message.killed and message.order is not None
    return is_alone and message.pid in raw.ended_by_groups


def _group(message: Message, raw: Raw) -> Finding:
    name = next((notice.words["cgroup"] for notice in message.notices if notice.words.get("cgroup")), None)
    which = f"the control group {one_line(name, 120)}" if name else "a control group"
    usage = {notice.words["what"]: notice.numbers for notice in message.notices if notice.form == forms.USAGE}
    stats = _stats(message.notices)
    limit = usage["memory"]["limit_kb"] if "memory" in usage else None
    most = f" of {limit} kB" if limit is not None and limit < _LIMIT_UNSET_KB else ""
    parts = [f"A control group reached its limit{most}; the machine was not out of memory."]
    parts += [_usage_words(what, numbers) for what, numbers in usage.items() if what != "kmem"]
    told = [_held(stats), largest_tasks(message, raw)]
    if not stats:
        told += [_victim_words(notice) for notice in message.notices if notice.form == forms.KILLED]
    parts += [words for words in told if words]
    parts.append("Free memory of the machine, its blocks and watermarks have nothing to do with it.")
    return Finding(
        "more than the limit of its control group" if message.process else "the limit of a control group",
        f"{_asking(message)} charged memory to {which}, whose processes together were at its limit.",
        " ".join(parts),
        reasons.CONTROL_GROUP,
        False,
        tuple(_group_remedies(stats)),
    )


def _asking(message: Message) -> str:
    return one_line(message.process, 40) if message.process else "A process"


def _usage_words(what: str, numbers: dict[str, int]) -> str:
    usage, limit, fails = numbers["usage_kb"], numbers["limit_kb"], numbers["fails_number"]
    if limit >= _LIMIT_UNSET_KB:
        return f"Use of {what}: {usage} kB, no limit."
    return f"Use of {what}: {usage} of {limit} kB, refused {fails} times so far."


def _stats(notices: list[Notice]) -> dict[str, int]:
    """The group's statistics in kB, of the first block: the group at its limit comes first."""
    text = next((notice.words["stats"] for notice in notices if notice.form == forms.STATS), "")
    found: dict[str, int] = {}
    for match in _STAT.finditer(text):
        kb = int(match["kb"] + (match["more"] or "")) if match["kb"] else int(match["bytes"]) // 1024
        found.setdefault(match["name"], kb)
    return found


def _first(stats: dict[str, int], names: tuple[str, ...]) -> int | None:
    return next((stats[name] for name in names if name in stats), None)


def _held(stats: dict[str, int]) -> str:
    cache, anon, shmem, dirty = (_first(stats, names) for names in (_CACHE, _ANON, _SHMEM, _DIRTY))
    parts = [f"{anon} kB memory of programs"] if anon is not None else []
    if cache is not None:
        of_it = [f"{kb} kB {what}" for kb, what in ((shmem, "in tmpfs or shared"), (dirty, "dirty")) if kb]
        parts.append(f"{cache} kB cache of files" + (f" ({', '.join(of_it)})" if of_it else ""))
    return f"It held {' and '.join(parts)}." if parts else ""


def _group_remedies(stats: dict[str, int]) -> list[Remedy]:
    found = [
        Remedy(
            "group_limit",
            "Raise the group's limit (memory.max, or memory.limit_in_bytes of cgroup v1; in containers the memory "
            "limit), or let its programs use less.",
            short="raise the group's limit, or let its programs use less",
        )
    ]
    cache, dirty, shmem = _first(stats, _CACHE) or 0, _first(stats, _DIRTY) or 0, _first(stats, _SHMEM) or 0
    held = cache + (_first(stats, _ANON) or 0)
    if dirty * 2 > cache > 0 and dirty * _WORTH_ADVICE > held:
        found.insert(
            0,
            Remedy(
                "write_slower",
                f"{dirty} kB of the {cache} kB cache were dirty: written by programs of the group, not yet on the "
                "disk, and so not to be dropped. Write less at a time, with `sync` or O_DIRECT in between, or put the "
                "group under cgroup v2, which slows writers down before the limit.",
                numbers={"dirty_kb": dirty},
                short="let the group write less at a time (sync, O_DIRECT), or raise its limit",
            ),
        )
    if shmem * 2 > cache > 0 and shmem * _WORTH_ADVICE > held:
        found.insert(
            0,
            Remedy("tmpfs", f"Remove files from the group's tmpfs: they hold {shmem} kB.", numbers={"shmem_kb": shmem}),
        )
    found.append(
        Remedy("free_memory", "Freeing memory outside of the group, compaction, vm.min_free_kbytes.", helps=False)
    )
    return found


# --- no header ---


def _without_header(message: Message, raw: Raw) -> Finding:
    killed = [notice for notice in message.notices if notice.form == forms.KILLED]
    held = [words for words in (_victim_words(notice) for notice in killed) if words]
    held += [words for words in (largest_before(message, raw),) if words]
    if forms.killer(message.notices) != forms.killer([]):
        return _in_fault(message)
    nobody = any(notice.form == forms.NOBODY for notice in message.notices)
    unknown = "Which request led to it is not in the text" if message.dump else _NOTHING_BUT_KILL
    asked = f"Memory ran out, and the kernel ended a program to get some. {unknown}."
    if message.dump:
        asked += f" What was free is listed from line {raw.line_at(message.dump.offset)} on."
    confined = _confinement(message)
    if confined:
        asked += f" {confined}"
    if nobody:
        asked = "Memory ran out, and the kernel found no program that it may end: it stops (panic)."
    cause = " ".join(held) or "How much memory a program held is not in the text."
    remedies = (
        Remedy(
            "oom_report",
            "Look for the report that stands above such a line, from `invoked oom-killer` to `Tasks state` "
            "(`dmesg | grep -B 200 'Out of memory'`): it has the request, the zones and what each program holds.",
            short=_LOOK_FOR_HEADER if message.dump else _LOOK_ABOVE,
        ),
        Remedy(
            "free_memory",
            "Let programs use less, or end the one that grows: the OOM killer ends the largest, which need not be "
            "the one that is wrong. `ps` twice, some minutes apart, shows which one grows.",
        ),
    )
    label = "Killed" if message.killed else "Failed"
    what = "Memory ran out" if not confined else "Memory ran out on the nodes that the program may use"
    what += f": {free_in(message.dump)[:-1]}" if message.dump and not confined else ""
    return Finding("memory ran out", asked, f"{what}. {cause}", reasons.UNKNOWN, None, remedies, label)


def _in_fault(message: Message) -> Finding:
    return Finding(
        "a program that touched a page",
        "A program touched a page that had to be filled (page fault), and the kernel ended it because it had no memory "
        "for that. Such a request is for single pages: it is no matter of large blocks.",
        "Memory ran out, and what was free is not in the text.",
        reasons.UNKNOWN,
        False,
        (
            Remedy(
                "list",
                "`echo m > /proc/sysrq-trigger` prints what is free in each zone, `cat /proc/meminfo` and `cat "
                "/proc/slabinfo` what holds the rest.",
            ),
            Remedy("free_memory", "Let programs use less, add swap, or end the one that grows (`ps` twice)."),
        ),
        "Killed",
        forms.killer(message.notices),
    )


def _victim_words(notice: Notice) -> str:
    names = (("anon_kb", "of its own"), ("file_kb", "of mapped files"), ("shmem_kb", "shared or in tmpfs"))
    parts = [f"{notice.numbers[key]} kB {what}" for key, what in names if notice.numbers.get(key)]
    who = one_line(notice.words.get("victim", "It"), 40)
    return f"{who} held {', '.join(parts)}." if parts else ""


# --- a header ---


def _only_movable(message: Message) -> bool:
    """True if the nodes of the report have nothing but zones for movable pages, and the request is for another kind."""
    zones = {name for _, name in message.dump.zones} if message.dump else set()
    flags = flags_of(message.mode, message.mode_names, (versions.FIRST, versions.LAST)) if message.mode else None
    return zones == {"Movable"} and flags is not None and "MOVABLE" not in flags


def _no_zone(message: Message, constraint: dict[str, str], asked: str) -> Finding:
    nodes = constraint.get("mems", "(not in the text)")
    cause = (
        f"The process may use node {nodes} only (cpuset), and that has only zone Movable, which holds pages that the "
        f"kernel can move; this request is for another kind. However much is free there, nothing can serve it "
        f"(cpuset {one_line(constraint.get('cpuset', ''), 80)})."
    )
    remedies = (
        Remedy(
            "cpuset_mems",
            f"Add a node with a zone Normal or DMA32 to the cpuset (cpuset.mems, `docker run --cpuset-mems`): node "
            f"{nodes} alone, set up as movable (movable_node, memory hot-plug), serves no request of the kernel.",
            short="add a node that has a zone Normal to the cpuset (cpuset.mems)",
        ),
        Remedy("free_memory", "Freeing memory and ending programs: the kernel kills in vain here.", helps=False),
    )
    return Finding("1 page on a node that cannot serve it", asked, cause, reasons.CONTROL_GROUP, False, remedies)


def _constraint(message: Message) -> dict[str, str]:
    return next((notice.words for notice in message.notices if notice.form == forms.CONSTRAINT), {})


def _confinement(message: Message) -> str:
    """Which nodes the request may use, if not all."""
    constraint = _constraint(message)
    nodes, mask = (constraint.get(key, "(not in the text)") for key in ("mems", "nodemask"))
    if constraint.get("constraint") == "CONSTRAINT_CPUSET":
        return (
            f"The process may use the nodes {nodes} only (cpuset {one_line(constraint.get('cpuset', ''), 80)}): "
            "memory on other nodes does not count."
        )
    if constraint.get("constraint") == "CONSTRAINT_MEMORY_POLICY":
        return (
            f"A memory policy (mbind, set_mempolicy, numactl) confines the request to the nodes {mask}: memory on "
            "other nodes does not count."
        )
    return ""


def _confined(message: Message, raw: Raw) -> Finding:
    """What the kernel's rule does not explain about a request with its header."""
    ended = "" if message.killed else " Which program it ended is not in the text."
    parts = [f"The kernel called the OOM killer, which ends a program rather than refuse such a request.{ended}"]
    parts += [words for words in (_victim_words(n) for n in message.notices if n.form == forms.KILLED) if words]
    if message.is_order_assumed:
        parts.append("For how many pages the request was is not printed: one page is assumed.")
    if message.mode == 0:
        parts.append(
            "gfp_mask=0x0 is no request: a page fault failed (pagefault_out_of_memory()), and the request that failed "
            "in it is not in the text. The order printed with it says nothing."
        )
    constraint = _constraint(message)
    if constraint.get("constraint") == "CONSTRAINT_CPUSET" and _only_movable(message):
        return _no_zone(message, constraint, " ".join(parts))
    if confined := _confinement(message):
        parts.append(confined)
    if any(notice.form == forms.NOBODY for notice in message.notices):
        parts.append("The kernel found no program that it may end, and stopped (panic).")
    cache, in_container = "", False
    if message.dump is None:  # a dump has its own text about what holds the memory
        cache = largest_cache(message, raw)
        parts += [words for words in (largest_tasks(message, raw), f"{cache[:1].upper()}{cache[1:]}." if cache else "")]
        cpuset = _CPUSET.search(raw.text, message.offset, message.offset + _HEADER_CHARS)
        in_container = bool(cpuset and cpuset["name"] != "/")
    if in_container:
        parts.append(
            "The process has a cpuset of its own, as those in containers do. If its control group was at its limit, "
            "`Memory cgroup out of memory` follows in the log."
        )
    asked = " ".join(part for part in parts if part)
    return Finding("", asked, "", reasons.UNKNOWN, bool(message.order), held=cache, in_container=in_container)
