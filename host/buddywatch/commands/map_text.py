"""A map as text: a strip of cells, the programs, and whose ends would serve a need. 78 columns."""

from __future__ import annotations

import textwrap

from buddyd import watermark

from buddywatch.commands.map_answer import MapAnswer, NeedAnswer, ProgramAnswer
from buddywatch.text.escape import COLUMNS, escaped, local_time, one_line, rough_duration, table
from buddywatch.text.map_words import NAME_CHARS, REST, ends_words, letters_of, strip
from buddywatch.text.units import format_bytes

CELLS = 64  # in a row
ROWS_MAX = 8


def lines(answer: MapAnswer, now: float) -> list[str]:
    """answer.board and the programs' names come from a board: they are escaped here."""
    found = answer.map
    uptime = rough_duration(found.uptime_ms / 1000)
    title = f"{escaped(answer.board)}: memory at {local_time(found.time)}"
    title += f" ({rough_duration(now - found.time)} ago), up {uptime}"
    shown = [title, "", *_strip(answer), ""]
    shown += _legend(answer)
    if not found.is_whole:
        shown.append("A part of this map is missing: there were more programs.")
    for need in answer.needs:
        shown += _wrapped(_need_words(need, answer))
    return shown


def _strip(answer: MapAnswer) -> list[str]:
    """One row for each part of memory."""
    drawn = strip([one.program for one in answer.programs], answer.page_bytes, CELLS, ROWS_MAX)
    if not drawn.rows:
        return []
    rest = f"{REST} is what no program has: kernel, caches, files in RAM, free memory{_free(answer)}."
    rows = [f"{address:#010x}  {cells}" for address, cells in drawn.rows]
    return [*rows, *textwrap.wrap(f"One cell is {format_bytes(drawn.cell_bytes)}; {rest}", COLUMNS)]


def _free(answer: MapAnswer) -> str:
    """Where free memory lies is not known, only how much of it is in blocks of which size."""
    if answer.snapshot is None:
        return ""
    pages = sum(watermark.free_pages(zone.nr_free) for zone in answer.snapshot.zones)
    return f" ({format_bytes(pages * answer.page_bytes)})"


def _legend(answer: MapAnswer) -> list[str]:
    letters = letters_of([one.program for one in answer.programs])
    rows = [["", "PROGRAM", "PID", "FOR", "HOLDS", "PIECES", "ITS END MAKES AT LEAST"]]
    uptime_s = answer.map.uptime_ms / 1000
    for one in sorted(answer.programs, key=lambda one: one.program.regions[0]):
        program = one.program
        rows.append(
            [
                letters[program.pid],
                one_line(program.name, NAME_CHARS),
                str(program.pid),
                rough_duration(max(0.0, uptime_s - program.started_s)),
                format_bytes(program.pages * answer.page_bytes),
                str(len(program.regions)),
                _makes(one, answer.page_bytes),
            ]
        )
    return table(rows, right=frozenset({2, 4, 5}))


def _makes(one: ProgramAnswer, page_bytes: int) -> str:
    order = one.freed.largest_order
    if order < 0:
        return "nothing: another process has the same memory"
    block = f"a block of {format_bytes(page_bytes << order)}"
    return f"{block} (+{format_bytes(one.trimmed_pages * page_bytes)}?)" if one.trimmed_pages else block


def _need_words(need: NeedAnswer, answer: MapAnswer) -> str:
    name = escaped(need.name)
    if need.state is None or need.state.verdict is None:
        return f"{name}: unknown, no snapshot of that moment is stored, or marks, rule or page size are unknown."
    if need.state.verdict != watermark.REFUSED:
        return f"{name} can be served: {need.state.margin_pages} pages to spare."
    if not need.together:
        return (
            f"{name} FAILS. No end of a few programs is certain to change that: what lies between their memory is not "
            "known. Where pages were trimmed off (+?), whole blocks come together if these are free now."
        )
    ends = ends_words(need.together, answer.page_bytes)
    return f"{name} FAILS. It would succeed {ends}. This is the least: free memory beside theirs adds to it."


def _wrapped(text: str) -> list[str]:
    return ["", *textwrap.wrap(text, COLUMNS)]
