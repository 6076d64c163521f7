"""The questions to a shell, and how to read its answers. Pure: generators that yield questions and receive answers.

The words are those that every shell of BusyBox has (hush and ash; dash and bash, too): `read`, `echo`, `while`, `case`,
and `exec 3<file`. `while read ...; done < file` is not among them: interactive hush reads its second line from the
terminal. Nor are loops over files that may be missing: ash forgets the rest of the line when `exec 3<` fails.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field

from buddywatch.kernel_text.lines import clean
from buddywatch.kernel_text.page_size import page_bytes_of
from buddywatch.kernel_text.raw import Raw, ZoneKey
from buddywatch.kernel_text.reader import read
from buddywatch.kernel_text.state import Options, Zone, reserve_pages
from buddywatch.links.hush_shell.shell import Answer
from buddywatch.verdict.reclaim import files_of_mounts

MARKS_EVERY = 12  # polls, as buddyd: marks change when somebody writes a sysctl
CHECKS = 8
_NEVER = 'echo "$M:%s:$l|$l."'
_ROWS = "exec 3</proc/%s; while read -r l <&3; do %s; done; exec 3<&-"
_NO_READ = "a shell that reads files without starting a program, and /proc mounted"
_MACHINE = re.compile(r"(?:CPU|Processor|model name|cpu model|cpu type|cpu) ?: ?(.+)")
_ACCOUNT_OF = re.compile(r"(\d+) \(.*\) \S(?: \S+){6} (\d+) (\d+) .*")  # pid, its own minor faults, its children's
_UPTIME = re.compile(r"(\d{1,12})\.(\d\d) .*")

Marks = tuple[int, int, int, int]
Question = Generator[str, Answer, None]


class Unfit(Exception):
    """The board cannot be watched through this shell. One line: why, and what to do."""


@dataclass
class Board:
    """Facts that do not change while a kernel runs: lines of /proc by their tag, "" for a missing one."""

    values: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    is_no_mmu: bool | None = None
    page_bytes: int | None = None  # as a kernel with an MMU says; else it is found by comparing figures
    files: frozenset[str] | None = None  # where files lie, as verdict/reclaim.py names it

    @property
    def has_zoneinfo(self) -> bool:
        return bool(self.values.get("zoneinfo"))


@dataclass(frozen=True)
class Reading:
    """One poll. marks: (min, low, high, reserve) in pages, empty if they were not requested, or are missing."""

    up_cs: int
    zones: dict[ZoneKey, tuple[int, ...]]
    meminfo_kb: dict[str, int]
    marks: dict[ZoneKey, Marks]
    page_bytes: int | None


def one_line_of(tag: str, path: str) -> str:
    """A question for the first line of a file, which may be missing."""
    return f"l=; read -r l </proc/{path}; " + _NEVER % tag


def rows_of(tag: str, path: str, patterns: str = "") -> str:
    """A question for the lines of a file that is there: all, or those that fit one of the shell's patterns."""
    report = _NEVER % tag
    return _ROWS % (path, f"case $l in {patterns}) {report};; esac" if patterns else report)


_FACTS = (
    ("osrelease", "sys/kernel/osrelease"),
    ("hostname", "sys/kernel/hostname"),
    ("boot_id", "sys/kernel/random/boot_id"),
    ("trim", "sys/vm/nr_trim_pages"),
    ("shift", "sys/vm/min_free_order_shift"),
    ("version", "version"),
    ("zoneinfo", "zoneinfo"),
    ("cpuinfo", "cpuinfo"),
    ("smaps", "self/smaps"),
    ("mounts", "mounts"),
)
_BLOCKS = rows_of("b", "buddyinfo") + "; " + one_line_of("u", "uptime")
_MEMORY = rows_of("m", "meminfo", "MemF*|Buf*|Cac*|*file*|SRec*|Mmap*")
_MARKS = rows_of("z", "zoneinfo", "Node*|pages*|min*|low*|high*|prot*")
_MOUNTS = rows_of("f", "mounts")
_PAGES = rows_of("k", "self/smaps", "KernelPageS*")
_CPU = rows_of("c", "cpuinfo", "CPU*|Proc*|model*|cpu*|MMU*")
# The number of the newest process, before and after what a poll is made of.
_REPORT_BOTH = 'read -r b </proc/loadavg; echo "$M:p:$a $b|$a $b."'
_CHECK = f"a=; b=; read -r a </proc/loadavg; {rows_of('w', 'uptime')}; {_REPORT_BOTH}"
# The kernel's statistics about the shell, also before and after.
_ACCOUNT = f"{one_line_of('s', 'self/stat')}; {rows_of('w', 'uptime')}; {one_line_of('s', 'self/stat')}"


def check() -> Question:
    """Check that polls start no process; Unfit. Other programs may start some: one check without any is enough."""
    yield ""
    started: list[int] = []
    for _ in range(CHECKS):
        answer = yield _CHECK
        if answer.damaged:
            continue
        started.append(_started_in(answer))
        if started[-1] <= 0:  # below: the kernel began with low numbers again
            return
    if not started:
        raise Unfit(f"all {CHECKS} answers were damaged")
    answer = yield _ACCOUNT  # on a machine that compiles, others start a process within each of these milliseconds
    if not _has_no_children(answer):
        raise Unfit(f"each poll would start a process: this shell starts {min(started)} for its own built-ins")


def _started_in(answer: Answer) -> int:
    """How many processes were started during a check; Unfit."""
    words = answer.text("p").split()
    if len(words) != 10 or not answer.text("w"):
        raise Unfit(f"expected {_NO_READ}")
    return int(words[9]) - int(words[4]) if words[4].isdecimal() and words[9].isdecimal() else 0


def _has_no_children(answer: Answer) -> bool:
    """True if the shell's statistics prove that it started no process: /proc/PID/stat, proc(5).

    A shell that reads a file in a child shows that child's number, a new one each time. The page faults of a child that
    has ended are added to its parent's; without an MMU there are no page faults, and so no proof.
    """
    accounts = [_ACCOUNT_OF.fullmatch(text) for text in answer.texts("s")]
    if answer.damaged or len(accounts) != 2 or not all(accounts):
        return False
    before, after = (match.groups() for match in accounts if match)
    pid, faults, _ = before
    return int(faults) > 0 and (pid, before[2]) == (after[0], after[2])


def learn(board: Board) -> Question:
    """The board's facts."""
    for tag, path in _FACTS:
        answer = yield one_line_of(tag, path)
        board.values[tag] = answer.text(tag)
    if board.values["cpuinfo"]:
        answer = yield _CPU
        found = [match[1] for text in answer.texts("c") if (match := _MACHINE.fullmatch(text))]
        board.machine = "-".join(found[0].split())[:24] if found else ""
        if any("".join(text.split()) == "MMU:none" for text in answer.texts("c")):
            board.is_no_mmu = True
    if board.values["smaps"]:
        answer = yield _PAGES
        words = answer.text("k").split()
        board.page_bytes = int(words[1]) * 1024 if len(words) == 3 and words[1].isdecimal() else None
    if board.values["trim"]:
        board.is_no_mmu = True
    if board.values["mounts"]:
        answer = yield _MOUNTS
        rows = (
            [] if answer.damaged else [text.split() for text in answer.texts("f")]
        )  # a lost row would change the sense
        board.files = files_of_mounts([(row[0], row[1], row[2]) for row in rows if len(row) > 2])


def poll(board: Board, with_marks: bool, readings: list[Reading]) -> Question:
    """One poll, appended to readings unless an answer was damaged, or lacks a number that must be there."""
    blocks = yield _BLOCKS
    memory = yield _MEMORY
    marks = (yield _MARKS) if with_marks and board.has_zoneinfo else Answer((), False)
    if blocks.damaged or memory.damaged or marks.damaged:
        return
    if any(text.startswith("MmapCopy") for text in memory.texts("m")):
        board.is_no_mmu = True
    reading = reading_of(blocks, memory, marks)
    if reading is not None:
        readings.append(reading)


def reading_of(blocks: Answer, memory: Answer, marks: Answer) -> Reading | None:
    """The reading; None if a required number is missing."""
    raw = read(clean("\n".join(blocks.texts("b") + memory.texts("m") + marks.texts("z")) + "\n"))
    uptime = _UPTIME.fullmatch(blocks.text("u"))
    if uptime is None or len(raw.tables) != 1:
        return None
    zones = {key: tuple(zone.counts) for key, zone in raw.tables[0].zones.items()}
    if len(zones) != len(blocks.texts("b")) or len({len(counts) for counts in zones.values()}) != 1:
        return None
    up_cs = int(uptime[1]) * 100 + int(uptime[2])
    meminfo_kb = raw.meminfo[-1][1] if raw.meminfo else {}
    return Reading(up_cs, zones, meminfo_kb, _marks_in(raw), page_bytes_of(raw, Options()))


def _marks_in(raw: Raw) -> dict[ZoneKey, Marks]:
    listed = [(key, Zone(*key, [], [], reserves=zone.reserves), zone.values) for _, key, zone in raw.zoneinfo]
    of_all = [zone for _, zone, _ in listed]
    return {
        key: (values["min"], values["low"], values["high"], reserve_pages(zone, of_all, "Normal"))
        for key, zone, values in listed
        if values.keys() >= {"min", "low", "high"}
    }
