"""Builds tables from the files of /proc: buddyinfo, pagetypeinfo, zoneinfo, meminfo and mounts."""

from __future__ import annotations

import re

from buddywatch.kernel_text.lines import Cleaned
from buddywatch.kernel_text.raw import Raw, RawZone, Table, ZoneKey
from buddywatch.kernel_text.rows import row_of

_LETTERS = {
    "Unmovable": "U",
    "Reclaimable": "E",
    "Movable": "M",
    "Reserve": "R",
    "HighAtomic": "H",
    "CMA": "C",
    "Isolate": "I",
}


def _goes_on(table: Table, key: ZoneKey) -> bool:
    """True if the row is of the next node of the same file: pagetypeinfo_show() of mm/vmstat.c prints its headers again
    for every node, in their order."""
    return key[0] > max(node for node, _ in table.zones)


class ProcReader:
    """Handles the tokens of lexer.py that are from files of /proc; what it finds goes to raw."""

    def __init__(self, raw: Raw, cleaned: Cleaned) -> None:
        self._raw = raw
        self._cleaned = cleaned
        self._zone: RawZone | None = None  # of zoneinfo
        self._listed: RawZone | None = None  # whose pagesets are read
        self._types: Table | None = None  # pagetypeinfo, added up
        self._in_block_types = False

    def _on_row(self, match: re.Match[str]) -> None:
        key = (int(match["row_node"]), match["row_name"])
        rest = match["row_rest"]
        if rest.startswith(","):
            self._type_row(match, key)
            return
        if not rest.strip():
            self._zone = RawZone(in_kb=False)
            self._raw.zoneinfo.append((match.start(), key, self._zone))
            return
        self._zone = None
        if self._in_block_types:
            return
        row = row_of(rest, self._cleaned, match)
        table = self._raw.tables[-1] if self._raw.tables else None
        if table is None or key in table.zones:
            table = Table(match.start(), "buddyinfo")
            self._raw.tables.append(table)
        letters: list[str | None] = [None] * len(row.counts)
        is_whole = row.is_whole and not self._is_shorter(table, row.counts)
        table.zones[key] = RawZone(in_kb=False, counts=row.counts, letters=letters, has_end=is_whole)

    @staticmethod
    def _is_shorter(table: Table, counts: list[int]) -> bool:
        """True if a row above has more sizes: all zones have the same number, so the end of this one was cut."""
        return any(len(zone.counts) > len(counts) for zone in table.zones.values())

    def _type_row(self, match: re.Match[str], key: ZoneKey) -> None:
        """A row of pagetypeinfo: `type Unmovable 140 32 ...`."""
        self._in_block_types = False
        name, offset = match["row_rest"].split()[2], match.start()
        letter = _LETTERS.get(name, "?")
        row = row_of(match["row_rest"].partition(name)[2], self._cleaned, match)
        counts = row.counts
        if not counts:
            return  # somebody's own words
        if self._types is None and self._raw.types and _goes_on(self._raw.types[-1], key):
            self._types = self._raw.types[-1]
        zone = self._types.zones.get(key) if self._types else None
        if self._types is None or (zone is not None and letter in zone.values):
            self._types = Table(offset, "pagetypeinfo")
            self._raw.types.append(self._types)
            zone = None
        if zone is None:
            zone = RawZone(in_kb=False, counts=[0] * len(counts), letters=[""] * len(counts), has_end=True)
            self._types.zones[key] = zone
        zone.values[letter] = 1
        zone.lists[letter] = counts
        zone.has_end &= row.is_whole
        for order, count in enumerate(counts[: len(zone.counts)]):
            zone.counts[order] += count
            zone.letters[order] = (zone.letters[order] or "") + (letter if count else "")

    def _on_block_types(self, match: re.Match[str]) -> None:
        self._in_block_types = True
        self._types = None

    def _on_pages(self, match: re.Match[str]) -> None:
        if self._zone is not None:
            self._zone.values.setdefault("free", int(match["pages_free"]))

    def _on_mark(self, match: re.Match[str]) -> None:
        if self._zone is not None and "free" in self._zone.values:
            self._zone.values.setdefault(match["mark_key"], int(match["mark_pages"]))

    def _on_protection(self, match: re.Match[str]) -> None:
        if self._zone is not None:
            self._zone.reserves = tuple(int(number) for number in match["protections"].replace(",", " ").split())

    def _on_pagesets(self, match: re.Match[str]) -> None:
        self._listed, self._zone = self._zone, None

    def _on_threshold(self, match: re.Match[str]) -> None:
        """Of each processor of an SMP kernel: so many pages of changes to the count it may hold back."""
        if self._listed is not None:
            values = self._listed.values
            values["threshold"] = values.get("threshold", 0) + int(match["threshold_pages"])

    def _on_meminfo(self, match: re.Match[str]) -> None:
        key, kb = match["mem_key"], int(match["mem_kb"])
        if not self._raw.meminfo or key in self._raw.meminfo[-1][1]:
            self._raw.meminfo.append((match.start(), {}))
        self._raw.meminfo[-1][1][key] = kb

    def _on_mount(self, match: re.Match[str]) -> None:
        self._raw.mounts.append((match["mount_source"], match["mount_folder"], match["mount_type"]))

    def _on_claim(self, match: re.Match[str]) -> None:
        if self._raw.tables:
            self._raw.tables[-1].claims.append((int(match["claim_count"]), int(match["claim_kb"])))
