"""What is known of a board, as far as its own data and files of it tell. Plain values; None or () is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from buddywatch.text.advice import Advice
from buddywatch.verdict.culprits import Record
from buddywatch.verdict.programs import Block


@dataclass(frozen=True)
class Program:
    """A program file and the blocks that it takes with the board's pages. busybox: its version, if it is one."""

    name: str
    blocks: tuple[Block, ...]
    busybox: tuple[int, int] | None = None


@dataclass(frozen=True)
class Script:
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class BoardFacts:
    """min_free_kb: vm.min_free_kbytes. memory_kb: what the kernel manages below the high zone. options: of the
    configurations of kernel, BusyBox and C library, as CONFIG_ lines say. running: names of programs. records: of
    `who`, over watched_s seconds."""

    release: str | None = None
    no_mmu: bool | None = None
    page_bytes: int | None = None
    trim_pages: int | None = None
    min_free_kb: int | None = None
    memory_kb: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    programs: tuple[Program, ...] = ()
    scripts: tuple[Script, ...] = ()
    running: frozenset[str] = frozenset()
    records: tuple[Record, ...] = ()
    watched_s: float = 0.0
    tails: tuple[tuple[str, int], ...] = ()  # running programs whose block has an unused end, and its pages


@dataclass(frozen=True)
class Finding:
    """rank: the lower, the more it brings. found: what is so on this board."""

    rank: int
    advice: Advice
    found: str
