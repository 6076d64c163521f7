"""A map of memory in words and rows: the same in `map`, `status`, mails and the live view. Pure.

Names of programs come from a board: they are escaped here.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.model.memory_map import MappedProgram, MemoryMap, Rescue
from buddywatch.text.escape import counted, local_clock, one_line, rough_duration
from buddywatch.text.units import format_bytes
from buddywatch.verdict.ends import freed

LETTERS = string.ascii_lowercase + string.ascii_uppercase
OTHER = "*"  # programs beyond the letters
REST = "."
NAME_CHARS = 15  # the kernel keeps no more of a name
_ALIGN_PAGES = 1024  # memory begins and ends at a multiple of 4 MB, with pages of 4 kB
_CELL_PAGES_LEAST = 8


@dataclass(frozen=True)
class Strip:
    """Physical memory as text. rows: (address of the first cell, cells); a cell shows the program with most of it."""

    rows: tuple[tuple[int, str], ...]
    cell_bytes: int


def by_address(programs: Sequence[MappedProgram]) -> list[MappedProgram]:
    return sorted(programs, key=lambda program: program.regions[0])


def letters_of(programs: Sequence[MappedProgram]) -> dict[int, str]:
    """A letter for each pid, in the order of their addresses."""
    letters = [*LETTERS, *OTHER * len(programs)]
    return {program.pid: letter for program, letter in zip(by_address(programs), letters, strict=False)}


def strip(programs: Sequence[MappedProgram], page_bytes: int, columns: int, rows_max: int) -> Strip:
    """At most so many rows of so many cells. Without programs: no row."""
    regions = [(first, pages, program.pid) for program in programs for first, pages in program.regions]
    if not regions:
        return Strip((), _CELL_PAGES_LEAST * page_bytes)
    start = min(first for first, _, _ in regions) // _ALIGN_PAGES * _ALIGN_PAGES
    end = -(-max(first + pages for first, pages, _ in regions) // _ALIGN_PAGES) * _ALIGN_PAGES
    cell_pages = _CELL_PAGES_LEAST
    while (end - start) > cell_pages * columns * rows_max:
        cell_pages *= 2
    held: dict[int, dict[int, int]] = {}  # cell -> pid -> pages
    for first, pages, pid in regions:
        for page in range(first, first + pages):
            of_cell = held.setdefault((page - start) // cell_pages, {})
            of_cell[pid] = of_cell.get(pid, 0) + 1
    letters, count = letters_of(programs), -(-(end - start) // cell_pages)
    cells = [letters[max(held[i], key=lambda pid: held[i][pid])] if i in held else REST for i in range(count)]
    rows = [
        ((start + at * cell_pages) * page_bytes, "".join(cells[at : at + columns])) for at in range(0, count, columns)
    ]
    return Strip(tuple(rows), cell_pages * page_bytes)


def owner_rows(found: MemoryMap, page_bytes: int, orders: int) -> list[list[str]]:
    """Who holds most, for a narrow table: program and pid, size, pieces, since when, the largest block its end makes.

    Without a heading; the program that holds most comes first. orders: how many the zone has.
    """
    uptime_s = found.uptime_ms / 1000
    rows = []
    for program in sorted(found.programs, key=lambda program: (-program.pages, program.pid)):
        order = freed([program], found.programs, orders).largest_order
        rows.append(
            [
                f"{one_line(program.name, NAME_CHARS)} {program.pid}",
                format_bytes(program.pages * page_bytes),
                str(len(program.regions)),
                rough_duration(max(0.0, uptime_s - program.started_s)),
                format_bytes(page_bytes << order) if order >= 0 else "-",
            ]
        )
    return rows


def program_words(program: MappedProgram, page_bytes: int) -> str:
    """ "start-60k (pid 31, 60 kB at 0x403c0000)"."""
    size, pieces = format_bytes(program.pages * page_bytes), len(program.regions)
    where = f"at {program.regions[0][0] * page_bytes:#x}" if pieces == 1 else f"in {counted(pieces, 'piece')}"
    return f"{one_line(program.name, NAME_CHARS)} (pid {program.pid}, {size} {where})"


def ends_words(programs: Sequence[MappedProgram], page_bytes: int) -> str:
    """ "if start-60k (pid 31, 60 kB at 0x403c0000) and sh (pid 41, ...) ended"."""
    return f"if {' and '.join(program_words(program, page_bytes) for program in programs)} ended"


def rescue_words(rescue: Rescue) -> str:
    """Whose end helps, as far as it is certain."""
    ends = ends_words(rescue.programs, rescue.page_bytes)
    seen = f"by the map of {local_clock(rescue.map_time)}"
    return f"{one_line(rescue.need)} would succeed {ends} ({seen}); less may be enough"
