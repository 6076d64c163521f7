"""Values on the command line that several commands take: text in, value out, or what was expected."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

from buddywatch.config.sections import Need
from buddywatch.text.escape import escaped, one_line
from buddywatch.text.moments import parse_time
from buddywatch.text.units import DURATION_EXPECTED, parse_duration, parse_size


def checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """parse, with its ValueError in the form that argparse shows."""

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


BOOT = "boot"  # a moment that only the store knows
WHEN = 'such as "2h" or "1w" (ago), 14:05, yesterday, 2026-11-22T10:15, or boot'
_LONGEST_S = 1e9  # 30 years


def moment(text: str) -> float | str:
    """A time as seconds since 1970, or BOOT; see time_of() of commands/boards.py."""
    if text == BOOT:
        return text
    try:
        return parse_time(text, time.time())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, or {BOOT}") from None


def duration(text: str) -> float:
    """A duration in seconds, more than none; also a fraction of seconds, as scripts use it."""
    try:
        try:
            seconds = float(text)
        except ValueError:
            seconds = float(parse_duration(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not (math.isfinite(seconds) and 0 < seconds < _LONGEST_S):
        raise argparse.ArgumentTypeError(
            f"{one_line(text, 40)!r}: expected {DURATION_EXPECTED}, more than 0 and less than {_LONGEST_S:.0f} s"
        )
    return seconds


def page_kb(text: str) -> int:
    """A page size in kilobytes."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    if not number or number & (number - 1) or number > 1024:
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected a power of two up to 1024, such as 4")
    return number


def release(text: str) -> str:
    """A kernel's release."""
    from buddywatch.kernel_text.kernel import version_of  # only some commands need it: start quickly

    if version_of(text) is None:
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected a release such as 2.6.30 or 6.1.192-uc0")
    return text


def kilobytes(text: str) -> int:
    """A number of kilobytes."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected kilobytes, such as 360")
    return int(text)


def need(text: str) -> Need:
    """A need: NAME=BYTES, or NAME=BYTES:exec for the start of a program."""
    name, sign, size = text.partition("=")
    size, colon, how = size.partition(":")
    if not (name and sign) or (colon and how != "exec"):
        raise argparse.ArgumentTypeError(f"{one_line(text, 40)!r}: expected NAME=BYTES or NAME=BYTES:exec")
    try:
        return Need(name, parse_size(size), is_program=bool(colon))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
