"""Parses the kernel's log lines about memory: pure functions on one line, no I/O. The host uses them, too.

Messages, as in the sources of 2.6.30 to 7.2 (mm/nommu.c, mm/page_alloc.c, mm/oom_kill.c, fs/binfmt_flat.c):

    Allocation of length 61440 from process 6821 (rm) failed       "nommu: " before it since 3.19; no "(rm)" in 2.6.24
    Allocation of vma for 61440 byte allocation from process 7 failed       also "vm region"; 6.1: "vma tree", no bytes
    rm: page allocation failure. order:4, mode:0xd0                         "failure:" since 3.1
    rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0
    Out of memory: kill process 7 (rm) score 12 or a child                  "Kill" since 2.6.36, "Killed" since 5.x
    Killed process 7 (rm)
    Unable to allocate RAM for process data, errno 12                       "binfmt_flat: " and "errno -12" since 4.9
"""

_WITH_ORDER = (("page", ": page allocation failure", " order:"), ("oom", " invoked oom-killer: ", " order="))


def printable(data: "bytes | bytearray") -> str:
    """data as str, with `?` for everything that is not printable ASCII."""
    return str(bytes([byte if 32 <= byte < 127 else 63 for byte in data]), "ascii")


def parse(text: str) -> "tuple[str, int, int | None, str | None] | None":
    """(kind, number, pid, comm) of a line without its prefix, see strip_prefix(); None for any other line.

    kind, number: "alloc", bytes; "page", order; "oom", order; "kill", 0; "load", errno; "vma", bytes (0 for the tree).
    pid and comm are None if the line does not say. comm may contain blanks and brackets: processes choose their names.
    """
    text = text.rstrip()
    return _allocation(text) or _loader(text) or _with_order(text) or _kill(text)


def _number(text, mark, start=0):
    """(value, end) of the decimal number after the first `mark` from start on; (None, 0) if none below 10^20."""
    at = text.find(mark, start)
    # As bytes: MicroPython keeps every one-letter str for ever.
    digits = bytes(text[at + len(mark) : at + len(mark) + 21], "utf-8", "replace") if at >= 0 else b""
    count = 0
    while count < len(digits) and 48 <= digits[count] <= 57:
        count += 1
    return (int(digits[:count]), at + len(mark) + count) if 0 < count <= 20 else (None, 0)


def _allocation(text):
    if text.startswith("nommu: "):
        text = text[7:]
    pid, end = _number(text, " process ")  # the first: a second one would be in comm
    tail = text[end:]
    if pid is None or not text.startswith("Allocation of ") or not tail.endswith(" failed"):
        return None
    if text.startswith("length ", 14):
        kind, number = "alloc", _number(text, "length ")[0]
    else:
        kind, number = "vma", 0 if text.startswith("vma tree", 14) else _number(text, " for ")[0]
    if number is None:
        return None
    return kind, number, pid, tail[2:-8] if tail.startswith(" (") and tail.endswith(") failed") else None


def _loader(text):
    if text.startswith("binfmt_flat: "):
        text = text[13:]
    if not text.startswith("Unable to ") or not (" process " in text or "data+bss" in text):
        return None
    error = _number(text.replace("errno -", "errno "), ", errno ")[0]
    return None if error is None else ("load", error, None, None)


def _with_order(text):
    for kind, mark, field in _WITH_ORDER:
        at = text.rfind(mark)
        order = _number(text, field, at)[0] if at > 0 else None
        if order is not None:
            return kind, order, None, text[:at]
    return None


def _kill(text):
    pid, end = _number(text, " process ")
    head = text[: text.find(" process ")]
    # Before 5.x "Killed process" stands alone; all others follow "Out of memory: " or "Memory cgroup out of memory: ".
    if pid is None or not (head == "Killed" or ("ut of memory" in head and "ill" in head[-5:])):
        return None
    opening, closing = text.find("(", end), text.rfind(")")
    return "kill", 0, pid, text[opening + 1 : closing] if 0 <= opening < closing else None


def strip_prefix(line: str) -> "tuple[str, int | None, int | None]":
    """(text, stamp_cs, level) of a log line with any of: syslog's "Nov 22 10:00:00 host kernel: ", "<4>",
    "[   12.345678] ", "[ T123] " right after it.

    stamp_cs, centiseconds since boot, and level are None if they are not given.
    """
    stamp_cs = level = None
    syslog = line.find(" kernel: ", 0, 96)
    if syslog > 0 and line[:syslog].count(":") >= 2 and line[:1] != "<" and line[:1] != "[":
        line = line[syslog + 9 :]
    if line.startswith("<"):
        number, end = _number(line, "<")
        if number is not None and line[end : end + 1] == ">":
            line, level = line[end + 1 :], number & 7
    if line.startswith("["):
        stamp = line[1 : line.find("]")].strip()
        seconds, dot = _number(stamp, "")
        end = _number(stamp, ".")[1]
        if seconds is not None and end == len(stamp) and end - dot > 2 and stamp.find(".") == dot:
            stamp_cs = seconds * 100 + int(stamp[dot + 1 : dot + 3])
            text = line.find("] ")  # of the caller's bracket, if there is one (CONFIG_PRINTK_CALLER)
            line = line[text + 2 :] if text > 0 else ""
    return line, stamp_cs, level


def is_of_program(line: str) -> bool:
    """True if a program wrote this line of /proc/kmsg through /dev/kmsg: `<12>text`.

    The number is facility * 8 + level, and the kernel's own facility is 0. Before 3.5 a program's line has none.
    """
    number, end = _number(line, "<") if line.startswith("<") else (None, 0)
    return number is not None and number > 7 and line[end : end + 1] == ">"


def parse_record(record: bytes) -> "tuple[str | None, int, int]":
    """(text, stamp_cs, sequence) of one read of /dev/kmsg, `prio,seq,usec,flags;text`; else ValueError.

    text: None if a program wrote it: prio is facility * 8 + level, and the kernel's own facility is 0.

    Format: Documentation/ABI/testing/dev-kmsg, since 3.5. The sequence has no holes. The lines after the first,
    ` KEY=value`, are dropped.
    """
    head, text = record.split(b";", 1)
    priority, sequence, usec = head.split(b",")[:3]
    text = text.split(b"\n", 1)[0]
    at = text.find(b"\\x")  # the kernel escapes unprintable bytes and the backslash like this
    while at >= 0:
        text = text[:at] + bytes([int(text[at + 2 : at + 4], 16)]) + text[at + 4 :]
        at = text.find(b"\\x", at + 1)
    return None if int(priority) > 7 else printable(text), int(usec) // 10000, int(sequence)
