"""Builds failures with their dumps, and tables, from the pieces of a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from buddywatch.kernel_text.events import Event
from buddywatch.kernel_text.free_output import memory_by_free
from buddywatch.kernel_text.holdings import rows
from buddywatch.kernel_text.kernel_reader import KernelReader, is_cut_release
from buddywatch.kernel_text.lexer import tokens
from buddywatch.kernel_text.lines import Cleaned
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.kernel_text.messages.oom import FAMILY as OOM
from buddywatch.kernel_text.messages.place import all_notices, ends_notice, placed
from buddywatch.kernel_text.messages.programs import FAMILY as PROGRAMS
from buddywatch.kernel_text.messages.slab import FAMILY as SLAB
from buddywatch.kernel_text.messages.stalls import FAMILY as STALLS
from buddywatch.kernel_text.one_request import add_event, has_like, identity, is_in_short, same_request
from buddywatch.kernel_text.proc_reader import ProcReader
from buddywatch.kernel_text.raw import MOST_ORDERS, NAMELESS, Dump, Message, Raw, RawZone

_WORD = re.compile(r"\w")
_MORE_SIZES = re.compile(r"(?:[ \n]\d{1,9}\*\d{1,9}kB(?: \([A-Z]{1,8}\))?){5}")
# Messages about one request are close together: at most one dump of some hundred lines is between them.
_SAME_REQUEST_CHARS = 60_000
_ONE_KILL_S = 120  # a kill prints all its lines at once: a table of some hundred programs, on a slow console
_MOST_REPEATED = 1000
_NEXT_LINES_CHARS = 1500


def read(cleaned: Cleaned, progress: Callable[[float], None] = lambda done: None) -> Raw:
    """Everything in the text about memory."""
    return _Reader(cleaned).read(progress)


class _Reader:
    def __init__(self, cleaned: Cleaned) -> None:
        self._text = cleaned.text
        self._events: list[Event | Notice] = sorted(
            [*cleaned.events, *all_notices(cleaned.text)], key=lambda event: event.offset
        )
        self._cleaned = cleaned
        self.raw = Raw(cleaned.line_at, text=cleaned.text, events=cleaned.events)
        self._notices: set[tuple[object, ...]] = set()
        self._message: Message | None = None  # the message that the next pieces belong to
        self._dump: Dump | None = None
        self._zone: RawZone | None = None  # of the dump, whose values are being read
        self._zone_start = 0
        self._list: RawZone | None = None  # whose blocks are being read
        self._list_end = 0  # the end of its last block
        self._unnamed: list[RawZone] = []  # zones of 2.4 whose lists are still to come
        self._quoted: dict[tuple[object, ...], list[tuple[Event, Message]]] = {}
        self._parts = (self, ProcReader(self.raw, cleaned), KernelReader(self.raw, cleaned))

    def read(self, progress: Callable[[float], None]) -> Raw:
        handlers = {
            name.removeprefix("_on_"): getattr(part, name)
            for part in self._parts
            for name in dir(type(part))
            if name.startswith("_on_")
        }
        next_event = 0
        for match in tokens(self._text, progress):
            while next_event < len(self._events) and self._events[next_event].offset <= match.start():
                self._on(self._events[next_event])
                next_event += 1
            handlers[match.lastgroup or ""](match)
        for event in self._events[next_event:]:
            self._on(event)
        self._close_dump()
        self.raw.holdings = sorted(rows(self._text), key=lambda row: row.offset)
        self.raw.meminfo = sorted([*self.raw.meminfo, *memory_by_free(self._text)], key=lambda entry: entry[0])
        return self.raw

    # --- messages ---

    def _on(self, event: Event | Notice) -> None:
        last = self.raw.messages[-1] if self.raw.messages else None
        near = last if last and event.offset - last.offset < _SAME_REQUEST_CHARS else None
        if isinstance(event, Notice):
            self._on_notice(event)
            return
        self._close_dump()
        if near and ends_notice(near, event):
            self._message = near
            return
        if near and same_request(near, event):
            add_event(near, event)
            self._message = near
            return
        self._message = self._same_quoted(event)
        if self._message is None:
            self._message = Message(event.offset, event.kind, event.process, stamp_s=event.stamp_s)
            add_event(self._message, event)
            self.raw.messages.append(self._message)
            self._quoted.setdefault(identity(event), []).append((event, self._message))

    def _same_quoted(self, event: Event) -> Message | None:
        """The same failure that the text has already, quoted by a reply or pasted twice."""
        for other, message in self._quoted.get(identity(event), []):
            message.in_short |= is_in_short(message, event)
            if event.depth != other.depth or _is_fine(event.stamp_s) or message.in_short:
                return message
        return None

    def _on_notice(self, notice: Notice) -> None:
        if self._has_notice(notice) or (self._message and self._message.in_short and has_like(self._message, notice)):
            return
        if notice.family in (STALLS, PROGRAMS):
            self.raw.asides.append(notice)
            return
        recent = [other for other in self.raw.messages[-8:] if notice.offset - other.offset < _SAME_REQUEST_CHARS]
        if notice.family == OOM:
            recent = [other for other in recent if self._seconds_from(other, notice) <= _ONE_KILL_S]
        opened = placed(notice, recent)
        if opened:
            self._close_dump()
            if notice.family in (SLAB, OOM) and self.raw.dumps and notice.offset - self._list_end < _NEXT_LINES_CHARS:
                opened.dump = self.raw.dumps.pop()  # both print it before this line
                if notice.family == SLAB and opened.order is None:
                    opened.order, opened.is_order_assumed = 0, True
            # The dump of a kill stands before it; what follows is that of another request.
            self._message = None if opened.kind == OOM and opened.dump else opened
            self.raw.messages.append(opened)

    def _seconds_from(self, message: Message, notice: Notice) -> float:
        return self._cleaned.seconds_between(message.offset, notice.offset) or 0

    def _has_notice(self, notice: Notice) -> bool:
        """True if the text has this very line already, with the same stamp: a reply quoted it."""
        stamp = self._cleaned.stamp_at(notice.offset)
        if not _is_fine(stamp):
            return False
        key = (notice.family, notice.form, notice.pid, *notice.numbers.items(), *notice.words.items(), stamp)
        known = key in self._notices
        self._notices.add(key)
        return known

    def _on_repeated(self, match: re.Match[str]) -> None:
        """The kernel counts repeats of the line before: a failure that has one line happened so many times."""
        last = self.raw.messages[-1] if self.raw.messages else None
        if last is None or last.dump or self._dump or not self._is_line_before(last, match.start()):
            return
        for _ in range(min(int(match["times"]), _MOST_REPEATED)):
            self.raw.messages.append(replace(last, offset=match.start(), notices=list(last.notices)))
        self._message = self.raw.messages[-1]

    def _is_line_before(self, message: Message, offset: int) -> bool:
        end = max([message.offset, *(notice.end for notice in message.notices)])
        return abs(self._cleaned.line_at(offset) - self._cleaned.line_at(end)) == 1

    def _on_task(self, match: re.Match[str]) -> None:
        if match["task_release"] and not is_cut_release(self._cleaned, match, match["task_release"]):
            self.raw.releases.append((match.start(), match["task_release"].rstrip(".")))
        message = self._message
        if message is None or message.pid is not None:
            return
        if message.process is None and message.kind == "page" and match["task_release"]:
            message.process = match["task_comm"].strip()  # whose own line lost its name
        rest = match["comm"].removeprefix(message.process or "\n")
        if rest != match["comm"] and (not rest or rest[0] == " "):
            message.pid = int(match["pid"])

    # --- dumps ---

    def _close_dump(self) -> None:
        """Start a new dump. It belongs to the message before it, or to none."""
        if self._dump and self._dump.zones:
            if self._dump.stamp_s is None:  # its first lines were cut
                self._dump.stamp_s = self._cleaned.stamp_at(max(self._list_end, self._dump.offset))
            if self._message is None:
                self.raw.dumps.append(self._dump)
            elif self._message.dump is None or not self._message.dump.has_blocks:
                self._message.dump = self._dump
        self._dump = self._zone = self._list = None
        self._unnamed = []

    def _open_dump(self, offset: int) -> Dump:
        if self._dump is None:
            self._dump = Dump(offset, self._cleaned.stamp_at(offset))
        return self._dump

    def _on_meminfo_start(self, match: re.Match[str]) -> None:
        if self._dump and self._dump.has_blocks:
            self._close_dump()
            self._message = None
        self._open_dump(match.start())

    def _dump_zone(self, match: re.Match[str], node: str, name: str, key: str) -> RawZone:
        """The zone in the current dump, or in a new dump if the current one has that part of the zone already."""
        zone_key = (int(match[node] or 0), match[name])
        known = self._dump.zones.get(zone_key) if self._dump else None
        if known is not None and (known.counts if key == "counts" else known.values):
            self._close_dump()
            self._message = None
        return self._open_dump(match.start()).zones.setdefault(zone_key, RawZone())

    def _on_zone(self, match: re.Match[str]) -> None:
        self._list = None
        self._zone = self._dump_zone(match, "zone_node", "zone_name", "values")
        self._zone_start = match.start()

    def _on_old_zone(self, match: re.Match[str]) -> None:
        """A zone of 2.4; its list of blocks follows without a name, in the same order."""
        if self._dump and (0, match["old_name"]) in self._dump.zones:
            self._close_dump()
            self._message = None
        self._zone = self._list = None
        zone = self._open_dump(match.start()).zones.setdefault((0, match["old_name"]), RawZone())
        zone.values = {key: int(match[f"old_{key}"]) for key in ("free", "min", "low")}
        if not any(zone.values.values()):
            zone.values["present"] = 0
        self._unnamed.append(zone)

    def _on_pair(self, match: re.Match[str]) -> None:
        key, digits, has_kb = match.group("key", "value", "kb")
        if has_kb:
            if self._zone is not None:
                self._zone.values.setdefault(key, int(digits))
            return
        value = int(digits)
        if self._is_cut_number(match):
            return
        if self._dump and key in self._dump.header and self._dump.has_blocks:
            self._close_dump()
            self._message = None
        self._zone = None
        self._open_dump(match.start()).header.setdefault(key, value)

    def _is_cut_number(self, match: re.Match[str]) -> bool:
        """True for a number that the end of a line cut, or that something overwrote ("active_anon:2o", "low:12").

        In a zone's line every number has kB behind it; in the header, where none has, the line's length decides."""
        following = self._text[match.end() : match.end() + 1]
        if following and not following.isspace():
            return True
        is_of_zone = self._zone is not None and "\n" not in self._text[self._zone_start : match.start()]
        return is_of_zone or self._cleaned.may_be_cut_at(match.end())

    def _on_reserve(self, match: re.Match[str]) -> None:
        if self._zone is not None:
            reserves = [int(number) for number in match["reserves"].split()]
            if self._cleaned.may_be_cut_at(match.end()) or (reserves and reserves[-1] < max(reserves)):
                reserves = reserves[:-1]  # the kernel adds them up zone by zone, so they never fall
            self._zone.reserves = tuple(reserves)
        self._zone = None

    def _on_head(self, match: re.Match[str]) -> None:
        self._zone = None
        self._list = self._dump_zone(match, "head_node", "head_name", "counts")
        self._list.has_lost_front = bool(match["front"])

    def _on_block(self, match: re.Match[str]) -> None:
        if self._list is None and self._unnamed:
            self._list = self._unnamed.pop(0)
        if self._list is None and self._begins_a_list(match):
            self._list = self._nameless_zone(match.start())
        count, unit, letters = match.group("count", "unit", "letters")
        zone, unit_kb = self._list, int(unit)
        if zone is None or len(zone.counts) >= MOST_ORDERS:
            return
        while zone.units_kb and zone.units_kb[-1] * 2 < unit_kb and len(zone.counts) < MOST_ORDERS:
            zone.unread.add(len(zone.counts))  # a missing size
            zone.append(0, zone.units_kb[-1] * 2, None)
        if not unit_kb or (zone.units_kb and unit_kb != 2 * zone.units_kb[-1]):
            self._list = None  # not part of this list, but a sentence about a block
            return
        start = match.start()
        if start > self._list_end and self._text[max(start - 2, 0) : start].rstrip("\n").isdigit():
            zone.unread.add(len(zone.counts))  # the line before ends in a digit: a terminal folded within the number
        zone.append(int(count), unit_kb, letters)
        self._list_end = match.end()

    def _begins_a_list(self, match: re.Match[str]) -> bool:
        """True for the first of several sizes at the start of a line: the list of a zone whose name is not there."""
        starts = not match.start() or self._text[match.start() - 1] == "\n"
        return starts and bool(_MORE_SIZES.match(self._text, match.end()))

    def _nameless_zone(self, offset: int) -> RawZone:
        """Named by its place, as 2.4 prints no names."""
        zones = self._open_dump(offset).zones
        return zones.setdefault((0, f"{NAMELESS}{len(zones) + 1}"), RawZone())

    def _on_total(self, match: re.Match[str]) -> None:
        if self._list is not None and self._list.counts and self._follows_list(match):
            self._list.has_end = True
            self._list.total_kb = int(match["total_kb"]) if match["total_kb"] else None
        elif self._list is None and match["total_kb"] == "0" and self._unnamed:
            self._unnamed.pop(0)  # a zone without memory has no list
        self._list = None

    def _follows_list(self, match: re.Match[str]) -> bool:
        """True if nothing but blanks or dots is between the list's last block and this."""
        return not _WORD.search(self._text, self._list_end, match.start())

    def _on_footer(self, match: re.Match[str]) -> None:
        self._list = None
        if self._dump is not None:
            key = match["footer_key"] or match["footer_arm"]
            self._dump.footer.setdefault(key, int(match["footer_pages"]))

    def _on_huge(self, match: re.Match[str]) -> None:
        if self._dump is not None and int(match["huge_total"]):
            pages_kb = int(match["huge_kb"])
            self._dump.huge_kb += int(match["huge_total"]) * pages_kb
            self._dump.unused_huge_kb += int(match["huge_free"]) * pages_kb

    def _on_swap(self, match: re.Match[str]) -> None:
        if self._dump is not None:
            self._dump.swap_kb.setdefault(match["swap_key"], int(match["swap_kb"]))


def _is_fine(stamp_s: float | None) -> bool:
    """True if the clock of the stamps is finer than a tick of 10 ms, so that two failures hardly have the same one."""
    return stamp_s is not None and round(stamp_s * 1_000_000) % 10_000 != 0
