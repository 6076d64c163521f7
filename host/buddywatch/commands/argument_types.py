"""Values on the command line that several commands take: text in, value out, or what was expected."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from buddywatch.text.escape import escaped


def checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """parse, with its ValueError in the form that argparse shows."""

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def page_kb(text: str) -> int:
    """A page size in kilobytes."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    if not number or number & (number - 1) or number > 1024:
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected a power of two up to 1024, such as 4")
    return number
