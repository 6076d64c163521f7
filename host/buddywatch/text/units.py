"""Sizes and durations as people write and read them.

Sizes are bytes; k, M and G always mean powers of 1024, whatever the spelling (kB, KiB): the kernel's own reports
count that way ("64*4kB"). Durations are whole seconds. What format_* prints, parse_* reads back.
"""

import re

_BYTES_PER = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS_PER = {"d": 86400, "h": 3600, "min": 60, "s": 1}

SIZE_EXPECTED = 'a size such as 61440 or "60k"'
DURATION_EXPECTED = 'a duration such as 90, "2m" or "1h30m"'

# Fifteen digits keep every result exact in JSON and SQLite, and keep hostile text away from int().
_SIZE = re.compile(r"([0-9]{1,15}) ?(?:([kmg])(?:i?b)?|b)?", re.IGNORECASE | re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,15}")
_DURATION = re.compile(
    r"(?:([0-9]{1,9}) ?w)? ?(?:([0-9]{1,9}) ?d)? ?"
    r"(?:([0-9]{1,9}) ?h)? ?(?:([0-9]{1,9}) ?(?:min|m))? ?(?:([0-9]{1,9}) ?s)?"
)


def parse_size(text: str) -> int:
    """Bytes for "61440", "60k", "60 kB", "64KiB" or "2M"; k = 1024. ValueError names the text and what is allowed."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{_shown(text)}: expected {SIZE_EXPECTED} (units k, M, G; k = 1024)")
    return int(match[1]) * _BYTES_PER[(match[2] or "").lower()]


def parse_duration(text: str) -> int:
    """Seconds for "90", "90s", "2m", "4h", "1d", "1w", "1h30m" or "2 h 10 min". ValueError as for parse_size()."""
    stripped = text.strip()
    if _SECONDS.fullmatch(stripped):
        return int(stripped)
    match = _DURATION.fullmatch(stripped)
    if match is None or not any(match.groups()):
        raise ValueError(f"{_shown(text)}: expected {DURATION_EXPECTED} (units w, d, h, m, s, largest first)")
    factors = (7 * 86400, *_SECONDS_PER.values())
    return sum(int(count or 0) * seconds for count, seconds in zip(match.groups(), factors, strict=True))


def format_bytes(size_bytes: int) -> str:
    """The exact size in the largest unit that divides it: "64 kB", "2 MB", "57345 B"."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"


def brief_bytes(size_bytes: int | None) -> str:
    """A size in few characters, rounded down: "64k", "1M", "0"; "?" if it is not known. For tables."""
    if size_bytes is None:
        return "?"
    for unit, factor in (("G", 1024**3), ("M", 1024**2), ("k", 1024)):
        if size_bytes >= 10 * factor or (size_bytes >= factor and size_bytes % factor == 0):
            return f"{size_bytes // factor}{unit}"
    return f"{size_bytes // 1024}k" if size_bytes >= 1024 else f"{size_bytes}"


def format_duration(seconds: float) -> str:
    """All of a duration in whole seconds (a fraction is cut): "2 h 10 min", "1 d 5 s", "0 s", "-45 s"."""
    rest = abs(int(seconds))
    parts = []
    for unit, unit_s in _SECONDS_PER.items():
        count, rest = divmod(rest, unit_s)
        if count:
            parts.append(f"{count} {unit}")
    sign = "-" if int(seconds) < 0 else ""
    return sign + (" ".join(parts) or "0 s")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:40] + "...")
