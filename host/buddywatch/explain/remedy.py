"""One remedy: a fixed word, a sentence, and the numbers in it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Remedy:
    """One remedy. what: a fixed word; helps: False for what does not help; numbers: those in `text`.

    short: the same in one line, without its reason; what stands after a semicolon may be left out.
    """

    what: str
    text: str
    helps: bool = True
    numbers: dict[str, int] = field(default_factory=dict)
    short: str = ""
