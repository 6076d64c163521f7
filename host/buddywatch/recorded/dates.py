"""Dates at the start of a line, as logs, shells and people write them. No I/O.

`date` in its forms, `date -R`, `date -Is`, `date +%s`, `date +%Y%m%d-%H%M%S`, syslog's "Nov 30 02:15:50" (without a
year), the stamps of ts, journalctl and web servers. A date without a zone is local time, by the TZ of this process.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import datetime
from typing import NamedTuple

CLOCK_WAS_SET_S = 946_684_800.0  # 2000: a board without a clock of its own counts from 1970 until somebody sets it

_ZONES_H = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "JST": 9, "KST": 9, "NZST": 12, "NZDT": 13, "AEST": 10, "AEDT": 11,
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6})"
_CLOCK = r"(?P<{0}h>\d{{1,2}}):(?P<{0}m>\d\d):(?P<{0}s>\d\d)(?:[.,](?P<{0}f>\d{{1,9}}))?"
# A zone whose name is not known counts only where a year follows: in syslog the host's name stands there.
_ZONE = rf"(?P<{{0}}zone>(?-i:(?:{'|'.join(_ZONES_H)})(?!\w)|[A-Z]{{{{2,5}}}}(?= \d{{{{4}}}}))|[+-]\d\d:?\d\d(?!\d))"
_BEFORE = r"[\s\[(<#=*\-]{0,12}(?:(?:date|time)\s?[:=]?\s{0,4})?"
_AFTER = r"[\s\])>#=*:,|\-]*"
_FORMS = (
    # 2026-11-30T02:15:50.25+01:00, 2026/11/30 02:15:50, 2026-11-30_02-15-50
    r"(?P<iy>\d{4})[-/](?P<imon>\d\d)[-/](?P<id>\d\d)[T _-](?P<ih>\d\d)[:.-](?P<im>\d\d)[:.-](?P<is>\d\d)"
    r"(?:[.,](?P<if>\d{1,9}))?(?: ?" + _ZONE.format("i") + ")?",
    # 20261130-021550, 20261130T021550Z
    r"(?P<cy>(?:19|20)\d\d)(?P<cmon>\d\d)(?P<cd>\d\d)[T_-]?(?P<ch>\d\d)(?P<cm>\d\d)(?P<cs>\d\d)(?!\d)(?P<czone>Z(?!\w))?",
    # 1796004950, 1796004950.25, @1796004950, 1796004950250 (milliseconds)
    r"@?(?P<epoch>[12]\d{9})(?P<ems>\d{3})?(?:\.(?P<ef>\d{1,9}))?(?![\w.])",
    # Mon Nov 30 02:15:50 AM UTC 2026; Nov 30 02:15:50
    rf"(?:{_DAY},? {{1,2}})?(?P<tmon>{_MONTH})[a-z]{{0,6}} {{1,2}}(?P<td>\d{{1,2}})(?: (?P<ty1>\d{{4}}))? "
    + _CLOCK.format("t") + r"(?: (?P<tpm>[AaPp][Mm]))?(?: " + _ZONE.format("t") + r")?(?: (?P<ty2>\d{4})(?!\S))?",
    # Mon, 30 Nov 2026 02:15:50 +0000; 30/Nov/2026:02:15:50 +0000
    rf"(?:{_DAY},? {{1,2}})?(?P<rd>\d{{1,2}})[ /-](?P<rmon>{_MONTH})[a-z]{{0,6}}[ /-](?P<ry>\d{{4}})[ :]"
    + _CLOCK.format("r") + r"(?: (?P<rpm>[AaPp][Mm]))?(?: " + _ZONE.format("r") + ")?",
    # 30.11.2026 02:15:50
    r"(?P<gd>\d{1,2})\.(?P<gmon>\d{1,2})\.(?P<gy>\d{4}),? " + _CLOCK.format("g"),
)  # fmt: skip
_MAY_BEGIN = re.compile(rf"{_BEFORE}(?:@?[0-9]{{2}}|[0-9][ ./]|{_DAY}|{_MONTH})", re.IGNORECASE)
_DATE = re.compile(_BEFORE + "(?:" + "|".join(f"(?P<form{i}>{form})" for i, form in enumerate(_FORMS)) + ")" + _AFTER,
                   re.IGNORECASE)  # fmt: skip
_PREFIXES = "icetrg"  # of the names of a form's groups


class Dated(NamedTuple):
    """A date, seconds since 1970, and what stands behind it on the line."""

    time: float
    rest: str


class Dates:
    """Reads the dates of one recording, which ended at that time: syslog's dates have no year."""

    def __init__(self, ended: float) -> None:
        self._ended = ended
        self._year: int | None = None  # of the syslog date before
        self._month = 0

    def at_start(self, text: str) -> Dated | None:
        """The date that a line begins with, whatever decorates it; None if there is none."""
        if not _MAY_BEGIN.match(text):
            return None
        match = _DATE.match(text)
        if match is None:
            return None
        try:
            found = self._time(match)
        except (ValueError, OverflowError):  # such as a 31st of November
            return None
        return None if found is None else Dated(found, text[match.end() :])

    def _time(self, match: re.Match[str]) -> float | None:
        form = next(i for i in range(len(_FORMS)) if match[f"form{i}"] is not None)
        of = _PREFIXES[form]
        if of == "e":
            fraction = match["ems"] or match["ef"] or "0"
            return int(match["epoch"]) + int(fraction) / 10.0 ** len(fraction)
        named = match.groupdict()
        month = named[f"{of}mon"].lower()
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
        day, hour = int(named[f"{of}d"]), int(named[f"{of}h"])
        year = named.get(f"{of}y") or named.get("ty1") or named.get("ty2")
        half = named.get(f"{of}pm")
        if half:
            hour = hour % 12 + 12 * (half.lower() == "pm")
        minute, second = int(named[f"{of}m"]), int(named[f"{of}s"])
        full = int(year) if year else self._year_of(number, day)
        fraction = named.get(f"{of}f") or "0"
        moment = datetime(full, number, day, hour, minute, min(second, 59))  # a leap second is the one before
        return _in_zone(moment, named.get(f"{of}zone")) + int(fraction) / 10.0 ** len(fraction)

    def _year_of(self, month: int, day: int) -> int:
        """The year of a date without one: such that the first is before the recording's end, and none falls."""
        if self._year is None:
            end = time.localtime(self._ended + 86_400)
            self._year = end.tm_year - ((month, day) > (end.tm_mon, end.tm_mday))
        elif month < self._month - 6:
            self._year += 1
        elif month > self._month + 6:
            return self._year - 1  # a line that was written late, around New Year
        self._month = month
        return self._year


def _in_zone(moment: datetime, zone: str | None) -> float:
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        offset_s = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * (1 if zone[0] == "+" else -1)
        return timegm(moment.timetuple()) - offset_s
    if zone and zone.upper() in _ZONES_H:
        return timegm(moment.timetuple()) - _ZONES_H[zone.upper()] * 3600
    return moment.timestamp()  # local time; also for a zone whose name is not known, if it is this machine's
