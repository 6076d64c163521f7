"""What was found in the text: dumps, tables and messages, with their places. No arithmetic yet."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from buddywatch.kernel_text.events import Event
from buddywatch.kernel_text.holdings import Row
from buddywatch.kernel_text.messages.notice import Notice

# The last: the OOM killer's table of tasks is empty, so that no program was started yet.
_NO_INIT = re.compile(
    r"Kernel panic - not syncing: No (?:working )?init found|Kernel panic: No init found"
    r"|\boom_score_adj\s+name\s+(?:Kernel panic - not syncing: )?Out of memory and no\s+killable processes"
)
_PART = re.compile(r"\b(?:__alloc_pages\w*|warn_alloc\w*|out_of_memory)\+0x|\bMem-[Ii]nfo:|\btotal_vm +rss\b")
_STOPS_WITHIN_CHARS = 60_000
_FAILED = re.compile(r"\bwarn_alloc(?:_failed)?\+0x")
_TRACE_CHARS = 4000
_START, _IDLE = re.compile(r"\bstart_kernel\b"), re.compile(r"\b(?:rest_init|\w*idle\w*|cpu_startup_entry)\b")
_SHORT_ADDRESS = re.compile(r"\[<[0-9a-f]{8}>\]")

ZoneKey = tuple[int, str]  # node, name
MOST_ORDERS = 32  # more than any kernel has
NAMELESS = "list"  # begins the name of a zone whose list has none; its number is behind it


@dataclass(slots=True)
class RawZone:
    """A zone in a dump or in /proc: values by key. kb: the values are kB; otherwise pages."""

    values: dict[str, int] = field(default_factory=dict)
    in_kb: bool = True
    reserves: tuple[int, ...] | None = None
    counts: list[int] = field(default_factory=list)  # of free blocks, smallest first
    units_kb: list[int] = field(default_factory=list)
    letters: list[str | None] = field(default_factory=list)  # of the lists that the blocks are on; None: unknown
    total_kb: int | None = None
    has_end: bool = False  # the `=` after the last block
    has_lost_front: bool = False  # an ellipsis before the first block
    unread: set[int] = field(default_factory=set)  # indexes in counts that are missing from the text, or cut
    lists: dict[str, list[int]] = field(default_factory=dict)  # counts by letter, from pagetypeinfo

    def append(self, count: int, unit_kb: int, letters: str | None) -> None:
        """The next size of the list of free blocks."""
        self.counts.append(count)
        self.units_kb.append(unit_kb)
        self.letters.append(letters)

    @property
    def says_free(self) -> bool:
        """True if the text has the zone's blocks, or their sum. A zone without memory says nothing."""
        if self.counts or self.total_kb is not None:
            return True
        return "free" in self.values and 0 not in (self.values.get("present"), self.values.get("managed"))


@dataclass(slots=True)
class Dump:
    """One dump of show_free_areas(). header: pages by key, for all zones together; footer: pages of the machine, by
    "RAM", "reserved", "cma reserved"; swap_kb: "Free", "Total"."""

    offset: int
    stamp_s: float | None = None
    header: dict[str, int] = field(default_factory=dict)
    footer: dict[str, int] = field(default_factory=dict)
    swap_kb: dict[str, int] = field(default_factory=dict)
    huge_kb: int = 0  # set aside as huge pages (hugetlbfs), and of these not in use
    unused_huge_kb: int = 0
    zones: dict[ZoneKey, RawZone] = field(default_factory=dict)

    @property
    def has_blocks(self) -> bool:
        return any(zone.counts for zone in self.zones.values())

    @property
    def says_free(self) -> bool:
        return any(zone.says_free for zone in self.zones.values())


@dataclass(slots=True)
class Table:
    """Rows of one read of /proc/buddyinfo, or the sums of pagetypeinfo. claims: blocks listed by hand after it."""

    offset: int
    source: str
    zones: dict[ZoneKey, RawZone] = field(default_factory=dict)
    claims: list[tuple[int, int]] = field(default_factory=list)  # (count, kB)


@dataclass(slots=True)
class Message:
    """A failure that the kernel reported, in one message or in several about the same request."""

    offset: int
    kind: str  # "alloc", "page", "oom" or "vma", as in buddyd.sources.kernel_messages; or a family of messages
    process: str | None
    pid: int | None = None
    requested_bytes: int | None = None
    order: int | None = None
    is_order_assumed: bool = False  # the header has none: out_of_memory() to 2.6.10
    mode: int | None = None
    mode_names: str | None = None
    dump: Dump | None = None
    killed: list[str] = field(default_factory=list)
    for_what: str | None = None  # "process data" and the like, printed by the program loader
    in_short: bool = False  # the text has it in short, then whole
    in_cgroup: bool = False  # a control group was out of memory, not the machine
    nodes: frozenset[int] | None = None  # that a memory policy allows; None: any, or not in the text
    kinds: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)  # of other families of messages, about the same request
    stamp_s: float | None = None  # seconds since boot, by the kernel's stamp


def _offset(message: Message) -> int:
    return message.offset


@dataclass
class Raw:
    """Everything found in a text."""

    line_at: Callable[[int], int]
    messages: list[Message] = field(default_factory=list)
    dumps: list[Dump] = field(default_factory=list)  # dumps that belong to no message
    tables: list[Table] = field(default_factory=list)  # of buddyinfo
    types: list[Table] = field(default_factory=list)  # of pagetypeinfo
    zoneinfo: list[tuple[int, ZoneKey, RawZone]] = field(default_factory=list)
    meminfo: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    releases: list[tuple[int, str]] = field(default_factory=list)
    prose_releases: list[tuple[int, str]] = field(default_factory=list)
    sysctls: dict[str, int] = field(default_factory=dict)
    mounts: list[tuple[str, str, str]] = field(default_factory=list)  # (source, folder, type)
    holdings: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    signs: set[str] = field(default_factory=set)  # "compaction", "no-compaction", "x86"
    text: str = ""
    asides: list[Notice] = field(default_factory=list)  # messages without a failure: stalls

    def ends_without_init(self, offset: int) -> bool:
        """True if the kernel stopped soon after this place because no program could be started as init: nobody can type
        anything on that machine. kernel_init() of init/main.c, in the spellings of 2.4 to 7.2."""
        index = bisect_left(self._stops, (offset, 0))
        return index < len(self._stops) and self._stops[index][1] <= offset + _STOPS_WITHIN_CHARS

    @cached_property
    def _stops(self) -> list[tuple[int, int]]:
        """Start and end of each line with which a kernel stops for want of init, found once for all failures."""
        return [match.span() for match in _NO_INIT.finditer(self.text)]

    @cached_property
    def has_sysrq_f(self) -> bool:
        """True if a word of SysRq-F is anywhere in the text: few texts have one, so that each kill need not look."""
        return any(word in self.text for word in ("order=-1,", "moom_callback", "Manual OOM execution"))

    @cached_property
    def ended_by_groups(self) -> frozenset[int]:
        """The processes that were ended at the limit of their control group, by number."""
        notices = (notice for message in self.messages if message.in_cgroup for notice in message.notices)
        return frozenset(told["victim_number"] for notice in notices if "victim_number" in (told := notice.numbers))

    def follows_failure(self, offset: int) -> bool:
        """True if the call trace above this place ends in warn_alloc() (4.10; warn_alloc_failed() before), which a
        failed allocation prints: its first line, with process and size, was lost."""
        before = bisect_left(self.messages, offset, key=_offset)
        end = self.messages[before - 1].offset if before else 0
        return bool(_FAILED.search(self.text, max(end, offset - _TRACE_CHARS), offset))

    def end_of(self, message: Message, most_chars: int) -> int:
        """Where what belongs to the message ends: at the next one, or most_chars after it."""
        after = bisect_right(self.messages, message.offset, key=_offset)
        end = message.offset + most_chars
        return min(end, self.messages[after].offset) if after < len(self.messages) else end

    def start_of(self, message: Message, most_chars: int) -> int:
        """Where what stands above the message begins: behind the one before it, or most_chars before it."""
        before = bisect_left(self.messages, message.offset, key=_offset) - 1
        start = max(message.offset - most_chars, 0)
        if before < 0:
            return start
        other = self.messages[before]
        return max(start, other.offset, *(notice.end for notice in other.notices))

    def is_before_init(self, message: Message) -> bool:
        """True if the kernel itself was starting: no program runs yet. Its first thread is process 0 in start_kernel(),
        which is the idle loop of CPU 0 later on, then process 1 until that becomes init (init/main.c, 2.6 to 7.2). Both
        are called swapper."""
        if not (message.process or "").startswith("swapper"):
            return False
        trace = self.text[message.offset : self.end_of(message, _TRACE_CHARS)]
        return message.pid == 1 or bool(_START.search(trace) and not _IDLE.search(trace))

    @property
    def has_part(self) -> bool:
        """True if the text has a line that the kernel prints only in a report about memory."""
        return bool(_PART.search(self.text))

    @property
    def is_32_bit(self) -> bool:
        """True if call traces have addresses of 8 digits, which 64-bit kernels print with 16."""
        return bool(_SHORT_ADDRESS.search(self.text))
