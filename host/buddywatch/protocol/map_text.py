"""Reads the maps in a board's events, see PROTOCOL.md, "Maps". Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from buddyd import wire

from buddywatch.model.memory_map import BORN, MAP, Births, MappedProgram, MemoryMap, Region
from buddywatch.model.samples import Event
from buddywatch.protocol.bounds import WHOLE_MAX

_END = "}"
_HALF = 45  # a digit of a number, and more follow from here on


class _Reader:
    """Takes numbers and names off a text. ValueError where it is not one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def number(self) -> int:
        number, scale = 0, 1
        while True:
            digit: int = ord(self._text[self._at : self._at + 1] or " ") - wire.FIRST_DIGIT
            if not 0 <= digit < wire.BASE or number >= WHOLE_MAX:
                raise ValueError(f"no number at {self._at} of {self._text!r}")
            self._at += 1
            number += digit % _HALF * scale
            scale *= _HALF
            if digit < _HALF:
                return number

    def difference(self) -> int:
        number = self.number()
        return -(number >> 1) if number & 1 else number >> 1

    def text(self, length: int) -> str:
        taken = self._text[self._at : self._at + length]
        if len(taken) < length:
            raise ValueError(f"{length} characters expected at {self._at} of {self._text!r}")
        self._at += length
        return taken


def programs_of(text: str) -> tuple[list[MappedProgram], bool]:
    """(programs, whether it is the last part) of one part; ValueError."""
    reader = _Reader(text)
    programs = _programs(reader)
    if reader.rest not in ("", _END):
        raise ValueError(f"{reader.rest!r} behind the end of {text!r}")
    return programs, reader.rest == _END


def births_of(events: Iterable[Event]) -> list[Births]:
    """The starts and ends in these events, which may be of other kinds as well, oldest first. A damaged one is left
    out."""
    found = []
    for event in events:
        if event.kind == BORN and event.uptime_ms is not None:
            reader = _Reader(event.text)
            try:
                programs, ended = _programs(reader), _ended(reader, event.uptime_ms / 1000)
            except ValueError:
                continue
            found.append(Births(event.boot_id, event.time, event.uptime_ms, tuple(programs), ended))
    return found


def _ended(reader: _Reader, uptime_s: float) -> tuple[tuple[int, float], ...]:
    """The ends of processes behind the programs, if this is the last part: up to a second after the poll that noticed
    them, as their ages are whole seconds."""
    ended: list[tuple[int, float]] = []
    if reader.rest:
        reader.text(len(_END))
    pid = 0
    while reader.rest:
        pid += reader.difference()
        ended.append((pid, uptime_s - reader.number()))
        if pid < 0 or ended[-1][1] < 0:
            raise ValueError(f"no end of a process: {ended[-1]}")
    return tuple(ended)


def _programs(reader: _Reader) -> list[MappedProgram]:
    """The programs up to the end of them, or of the text."""
    programs: list[MappedProgram] = []
    pid = started_s = page = 0
    name = ""
    while reader.rest and not reader.rest.startswith(_END):
        pid += reader.difference()
        started_s += reader.difference()
        length = reader.number()
        name = reader.text(length - 1) if length else name
        regions: list[Region] = []
        for _ in range(reader.number()):
            first, pages = page + reader.difference(), reader.number()
            page = first + pages
            regions.append((first, pages))
        if pid < 0 or started_s < 0 or not regions or min(min(region) for region in regions) < 0:
            raise ValueError(f"no program: pid {pid}, started at {started_s} s, {regions}")
        programs.append(MappedProgram(pid, name, started_s, tuple(sorted(regions))))
    return programs


def maps_of(events: Iterable[Event]) -> list[MemoryMap]:
    """The maps in these events, which may be of other kinds as well, oldest first. A damaged part is left out."""
    parts: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        if event.kind == MAP and event.uptime_ms is not None and event.number is not None:
            parts.setdefault((event.boot_id, event.uptime_ms), []).append(event)
    return [_joined(of_one) for of_one in parts.values()]


def _joined(parts: list[Event]) -> MemoryMap:
    by_number = {part.number or 0: part for part in parts}
    programs: dict[int, MappedProgram] = {}
    is_whole = ended = False
    for number in sorted(by_number):
        try:
            found, ended = programs_of(by_number[number].text)
        except ValueError:
            break
        for program in found:
            known = programs.get(program.pid)
            regions = program.regions if known is None else tuple(sorted(known.regions + program.regions))
            programs[program.pid] = replace(program, regions=regions)
        is_whole = ended and list(sorted(by_number)) == list(range(number + 1))
    first = by_number[min(by_number)]
    in_order = tuple(programs[pid] for pid in sorted(programs))
    return MemoryMap(first.boot_id, first.time, first.uptime_ms or 0, in_order, is_whole)
