"""What logs, terminals, tools, mails and web pages put before the kernel's own words in a line. Pure.

The kernel's message begins after the stamps of printk ("[   12.345678] ", "[ T123] ", "<4>"), of dmesg (-x, -d, -H, -T,
--time-format), syslog (RFC 3164, 5424), journalctl, logcat, ts, tio, minicom, grabserial, Docker's JSON; after
`grep -n`, `cat -n`, prompts, bullets, quote marks and tags of HTML. What is left over before a message can be taken for
a process only as far as the kernel's limit goes: TASK_COMM_LEN is 16, so a name has 15 bytes at most
(include/linux/sched.h).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache

COMM_BYTES = 15
_AFTER_A_NAME = ("page allocation failure", "page allocation stalls", "vmalloc: ", "vmalloc error")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?: ?[AP]M)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][SD]T|[+-]\d\d:?\d\d))?"
_LEVEL = r"(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug)"
_FACILITY = r"(?:kern|user|mail|daemon|auth|authpriv|syslog|lpr|news|cron|ftp|local\d)"

# These look through many words, so they are tried only where a line has the marks that they cannot do without.
_SYSLOG = r"(?:\S{1,64}[ ]){0,3}(?i:kernel)(?:\[\d{0,7}\]|[ ]{0,8}\([ ]{0,8}\d{1,7}\))?[ ]?:[ ]?"  # host and tag
_RFC5424 = r"(?:\S{1,64}[ ]){0,2}kernel[ ]\S{1,12}[ ]\S{1,12}[ ](?:-|\[[^\]\n]{1,80}\])[ ]"
_GREP = r"[\w.+/~-]{1,80}\.(?:log|txt|out|gz)(?:\.\d{1,2})?:[ ]?(?:\d{1,7}[:-][ ]?)?"  # grep -H, -n
_PROMPT = (
    r"[\w.@~:/()\[\] -]{1,60}?[\#$%>][ ](?=[\[<])|[A-Za-z_][\w.-]{0,39}@\S{1,60}[\#$%>][ ]"
    r"|(?:~|/\S{0,40})[ ]?[\#$%>][ ]"
)
_JSON_KEY = r"[\w@.-]{1,30}\"[ ]?:[ ]?\""
_COMPOSE = r"[\w.-]{1,40}[ ]{1,20}\|[ ]"  # docker compose
_MARKED = (_SYSLOG, _RFC5424, _GREP, _PROMPT, _JSON_KEY, _COMPOSE)
# Each alternative begins with a plain character, so that the search is quick (sre tests the first characters alone).
_MARKS = re.compile(r"k(?i:ernel)|K(?i:ernel)|\u212a(?i:ernel)|\.log|\.txt|\.out|\.gz|\# |\$ |% |> |\"|\|")

_PATTERNS = (
    r"[\s>|`\"'\u201c\u201d\u201e\u00ab\u00bb,;]+",  # quote marks, table rules, separators
    r"(?:[-*+\u2022\u00b7\u2013\u2014\u2192]|[-=]>|//)[ \t]+",  # bullets, comments
    r"(?:\.\.\.|\u2026)[ \t]*",
    r"\#{1,6}[ \t]+(?!CONFIG_)|[$%][ \t]+",
    r"<\d{1,3}>(?:1[ ](?=\d{4}-|-[ ]))?",  # the level of printk, or of syslog
    r"</?[A-Za-z][^<>\n]{0,80}>",  # tags of HTML
    # printk, dmesg -d, grabserial; Android vendors put brackets with the process behind
    r"\[[ ]{0,12}(?P<stamp>\d{1,10}\.\d{1,9})"
    r"(?:s\](?:\[[^\]\n]{1,40}\]){0,3}|[ ]{0,3}<?[ ]{0,12}\+?\d{0,9}\.?\d{0,9}>?\])",
    r"\[<?[ ]{0,12}\+?\d{1,9}\.\d{1,9}>?\]",  # dmesg -H
    r"\[[ ]{0,8}[TC]\d{1,8}\]",  # printk's caller
    r"\[[ ]{0,3}\d{1,3}:[ ]{1,16}[^\]\n]{1,16}:[ ]{0,6}\d{1,7}\]",  # Samsung's: CPU, process, pid
    r"\[[^\]\n]{0,30}\d{1,2}:\d\d[^\]\n]{0,30}\]",  # dmesg -T, tio, minicom
    rf"(?:{_DAY}[ ])?{_MONTH}[ ]{{1,2}}\d{{1,2}},?(?:[ ]\d{{4}})?[ ]{_CLOCK}{_ZONE}(?:[ ]\d{{4}}(?=[ ]))?",
    rf"(?:{_DAY}[ ])?\d{{1,2}}[ -/]{_MONTH}[ -/:]\d{{4}}[ :]{_CLOCK}{_ZONE}",
    rf"\d{{4}}[-/.]\d\d[-/.]\d\d(?:[T _]{_CLOCK}{_ZONE})?:?(?=[\s,;|\"\[<])",
    rf"\d\d[-/.]\d\d(?:[-/.]\d{{2,4}})?[ ]{_CLOCK}(?=[\s,;|\"\[<])",
    rf"{_CLOCK}{_ZONE}[:>|-]?(?=[\s,;|\"\[<])",
    r"\d{9,10}\.\d{1,9}(?=[ ])",  # seconds since 1970
    r"\d{1,7}[ ]{1,6}\d{1,7}[ ][VDIWEFS][ ](?:[ ]{0,8}:[ ])?",  # logcat -v threadtime: pid, thread, level
    r"[VDIWEFS]/",  # logcat -v brief: level
    rf"{_FACILITY}[ ]{{0,8}}[.:,][ ]{{0,8}}{_LEVEL}[ ]{{0,8}}:?[ ,;|]",  # dmesg -x, BusyBox
    _SYSLOG,
    _RFC5424,
    r"(?i:tty\w{1,10}|console|serial\d{0,3}|uart\d{0,3}|com\d{1,2}|klogd|printk|dmesg|netconsole)[ ]{0,3}[:>|][ ]{0,3}",
    _GREP,
    r"(?:\.{0,2}/|~/)[\w.+/~-]{1,80}:\d{1,7}:[ ]?|(?:messages|syslog|dmesg|kmsg|kern):\d{1,7}:[ ]?|\d{1,7}:(?!\d)[ ]?",
    r"\d{1,7}\t|\d{1,6}[ ]{1,4}(?=[\[<])|\d{1,6}[.)|][ ]{1,3}(?=[\[<A-Za-z])",  # cat -n
    _PROMPT,
    r"\d{1,3},\d{1,12},\d{1,18},[^;\n]{1,20};",  # /dev/kmsg, netconsole's extended form
    r"\{[ ]?\"?",  # JSON
    _JSON_KEY,
    r"(?:MESSAGE|message|msg|log)=",  # journalctl -o export
    _COMPOSE,
    r"std(?:out|err)[ ][FP][ ]",  # Kubernetes
)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


@cache
def _prefix(mark: bool) -> re.Pattern[str]:
    """mark: the line has one of _MARKS. Compiled when it is needed: that takes as long as twenty modules to load."""
    return _any_of(pattern for pattern in _PATTERNS if mark or pattern not in _MARKED)


_FOREIGN = re.compile(r"[^<\n]{1,120}?<[0-7]>\[[ ]{0,12}(?P<stamp>\d{1,10}\.\d{6})\][ ]?")
_MOST_PREFIXES = 12
# What no process's name has in it, and what always ends a prefix.
_END_OF_PREFIX = re.compile(
    r"\[[ ]{0,12}\d{1,10}\.\d{3,9}s?\](?:[ ]?\[[^\]\n]{1,40}\]){0,3}[ ]?"
    r"|\b(?:kernel(?:\[\d{0,7}\])?|dmesg):[ ]|<[0-7]>|[\t|;,\"]|:[ ]?'(?=\S)"
)
_LOGCAT_PID = re.compile(r"[ ]{0,12}\([ ]{0,8}\d{1,7}\)$")
_NUMBER = re.compile(r"^\[ {0,8}\d{1,10}\](?=\s)")  # seconds alone; a table of tasks has such cells as well
_WORD_START = re.compile(r"(?<=[\s>\]:])(?=\S)")


_DATE = re.compile(
    rf"(?P<month>{_MONTH})[ ]{{1,2}}(?P<day>\d{{1,2}}),?[ ](?:\d{{4}}[ ])?(?P<clock>\d{{1,2}}:\d\d:\d\d)"
    r"(?:[ ](?P<year>\d{4}))?|(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)"
)
_SOME_LEAP_YEAR = 2000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clock_s(line: str) -> float | None:
    """The date and time before the kernel's words in a line, in seconds since a fixed day; None without them. For
    differences only: neither zone nor, in syslog, the year is known."""
    match = _DATE.search(line)
    if match is None:
        return None
    if match["date"]:
        year, month, day = (int(number) for number in match["date"].split("-"))
    else:
        year, month = int(match["year"] or _SOME_LEAP_YEAR), 1 + _MONTHS.index(match["month"][:3])
        day = int(match["day"])
    hour, minute, second = (int(number) for number in (match["time"] or match["clock"]).split(":"))
    try:
        moment = datetime(year, month, day, hour, minute, second)  # strptime() takes ten times as long
        return (moment - datetime(_SOME_LEAP_YEAR, 1, 1)).total_seconds()
    except ValueError:
        return None


def strip(line: str) -> tuple[str, float | None]:
    """(the line without what stands before the kernel's words, seconds since boot by printk's stamp or None)."""
    start, stamp_s = 0, None
    foreign = _FOREIGN.match(line) if ">[" in line else None
    if foreign:  # before level and stamp together anything can stand: a hypervisor's console, a test's log
        start, stamp_s = foreign.end(), float(foreign["stamp"])
    mark = _MARKS.search(line, start)
    for _ in range(_MOST_PREFIXES):
        if mark is not None and mark.start() < start:
            mark = _MARKS.search(line, start)
        match = _prefix(mark is not None).match(line, start)
        if match is None or match.end() == start or _is_a_process(match):
            break
        start = match.end()
        if match["stamp"] and stamp_s is None:
            stamp_s = float(match["stamp"])
    return line[start:].rstrip(), stamp_s


def _is_a_process(match: re.Match[str]) -> bool:
    """True if what looks like a tag is the process: "klogd: page allocation failure", "a.out: page allocation ..."."""
    if not match.string.startswith(_AFTER_A_NAME, match.end()):
        return False
    return match[0].rstrip().endswith(":") and "kernel" not in match[0].lower()


def process_in(head: str, names: tuple[str, ...] = ()) -> str:
    """The process at the end of head, which is the text before the kernel's words in a line; "" if there is none.

    names: as lines nearby give them in full ("CPU: 0 PID: 7 Comm: NAME"); one of them is taken if head ends with it."""
    head = head.rstrip()
    for name in names:
        if name and head.endswith(name):
            return name
    ends = [match.end() for match in _END_OF_PREFIX.finditer(head)]
    head, _ = strip(head[ends[-1] :] if ends and ends[-1] < len(head) else head)
    head = _NUMBER.sub("", _LOGCAT_PID.sub("", head)).strip()
    if len(head.encode()) <= COMM_BYTES:
        return head
    starts = [match.start() for match in _WORD_START.finditer(head)]
    return next((head[start:] for start in starts if len(head[start:].encode()) <= COMM_BYTES), "")
