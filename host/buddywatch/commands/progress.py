"""A bar on standard error, for what takes longer than a blink. Nothing is shown where that is no terminal."""

from __future__ import annotations

import sys

_COLUMNS = 40


def show_bar(doing: str, share: float) -> None:
    """share: how much is done, 0 to 1."""
    if sys.stderr.isatty():
        bar = "#" * int(share * _COLUMNS)
        print(f"\r{doing} [{bar:<{_COLUMNS}}] {int(share * 100):3} %", end="", file=sys.stderr, flush=True)


def clear_bar() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
