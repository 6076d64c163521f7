"""The largest number that is believed from a board, by what the number is used for. No I/O.

A check finds noise, not lies: anybody who can write on the line can send any number with a valid check. A larger one is
refused at the entry, so that all that is computed from it fits a date, a float that counts by ones, and an SQLite
integer.
"""

from __future__ import annotations

_DAY_CS = 8_640_000
INTERVAL_MAX_CS = 30 * _DAY_CS  # between two polls; buddyd itself takes at most a day
UPTIME_MAX_CS = 36_525 * _DAY_CS  # 100 years
FRAMES_MAX = 10**12  # of one boot: ten a second for 3000 years
WHOLE_MAX = 2**53  # of anything else: larger ones are no longer exact in JSON
FACTS_MAX = 2048  # keys in the hello of one boot: 1024 zones, and as many others
_DIGITS_MAX = len(str(WHOLE_MAX))


def whole_number(text: str, most: int = WHOLE_MAX) -> int | None:
    """The number that text is in ASCII digits; None: it is something else, or larger than `most`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        return None
    number = int(text)
    return number if number <= most else None
