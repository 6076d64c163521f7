"""Builds tables from the files of /proc: buddyinfo, pagetypeinfo, zoneinfo, meminfo and mounts."""

from __future__ import annotations

import re

from buddywatch.kernel_text.raw import MOST_ORDERS, Raw, RawZone, Table, ZoneKey

_ORDERS_OF_A_ROW = 11  # of most kernels; a shorter row may have been wrapped by a terminal
_MORE_COUNTS = re.compile(r"\n((?:[ \t]{0,16}\d{1,9}(?![\w.*:,])){1,16})[ \t]{0,8}$", re.MULTILINE)
_LETTERS = {
    "Unmovable": "U",
    "Reclaimable": "E",
    "Movable": "M",
    "Reserve": "R",
    "HighAtomic": "H",
    "CMA": "C",
    "Isolate": "I",
}


class ProcReader:
    """Handles the tokens of lexer.py that are from files of /proc; what it finds goes to raw."""

    def __init__(self, raw: Raw, text: str) -> None:
        self._raw = raw
        self._text = text
        self._zone: RawZone | None = None  # of zoneinfo
        self._types: Table | None = None  # pagetypeinfo, added up
        self._in_block_types = False

    def _on_row(self, match: re.Match[str]) -> None:
        key = (int(match["row_node"]), match["row_name"])
        rest = match["row_rest"]
        if rest.startswith(","):
            self._type_row(match.start(), key, rest[1:].split())
            return
        counts = [int(number) for number in rest.split() if number.isdecimal()]
        if not counts:
            self._zone = RawZone(in_kb=False)
            self._raw.zoneinfo.append((match.start(), key, self._zone))
            return
        self._zone = None
        if self._in_block_types:
            return
        if match["row_end"] is not None and len(counts) < _ORDERS_OF_A_ROW:
            more = _MORE_COUNTS.match(self._text, match.end())
            counts += [int(number) for number in more[1].split()] if more else []
        table = self._raw.tables[-1] if self._raw.tables else None
        if table is None or key in table.zones:
            table = Table(match.start(), "buddyinfo")
            self._raw.tables.append(table)
        size = min(len(counts), MOST_ORDERS)
        table.zones[key] = RawZone(in_kb=False, counts=counts[:size], letters=[None] * size)

    def _type_row(self, offset: int, key: ZoneKey, words: list[str]) -> None:
        """A row of pagetypeinfo: `type Unmovable 140 32 ...`; `>100000` counts as 100000, its minimum."""
        self._in_block_types = False
        letter = _LETTERS.get(words[1], "?")
        counts = [int(word.lstrip(">")) for word in words[2 : 2 + MOST_ORDERS]]
        zone = self._types.zones.get(key) if self._types else None
        if self._types is None or (zone is not None and letter in zone.values):
            self._types = Table(offset, "pagetypeinfo")
            self._raw.types.append(self._types)
            zone = None
        if zone is None:
            zone = RawZone(in_kb=False, counts=[0] * len(counts), letters=[""] * len(counts))
            self._types.zones[key] = zone
        zone.values[letter] = 1
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
        self._zone = None

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
