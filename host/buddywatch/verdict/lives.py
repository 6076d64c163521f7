"""Puts together what maps and starts say of each process: when it was started, what it held, when it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from buddywatch.model.lives import Life
from buddywatch.model.memory_map import Births, MappedProgram, MemoryMap


class _Boot:
    """One boot of the agent. What happens comes in the order of time."""

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._running: dict[int, Life] = {}
        self._over: list[Life] = []
        self._missed: dict[int, Life] = {}  # not in a map: their end is told later, as starts and ends come in bundles

    def take(self, seen: MemoryMap | Births) -> None:
        now_s = seen.uptime_ms / 1000
        if isinstance(seen, MemoryMap):
            for program in seen.programs:
                self._see(program, now_s)
            pids = {program.pid for program in seen.programs}
            for pid in [pid for pid in self._running if pid not in pids and seen.is_whole]:
                life = self._running.pop(pid)
                self._missed[pid] = replace(life, ended_s=now_s, seen_s=now_s)
            return
        for program in seen.programs:
            self._see(program, program.started_s)
        for pid, ended_s in seen.ended:
            self._end(pid, ended_s)

    def _see(self, program: MappedProgram, at_s: float) -> None:
        known = self._running.get(program.pid)
        if known is not None and known.started_s != program.started_s:
            self._end(program.pid, program.started_s)
            known = None
        if known is None:
            known = Life(self._boot_id, program.pid, program.name, program.started_s, at_s, None, program.pages)
        seen_s, pages = max(known.seen_s, at_s), max(known.pages, program.pages)
        # Just after a vfork() a process has the name of its parent; it gets its own when it starts a program.
        self._running[program.pid] = replace(known, name=program.name, seen_s=seen_s, pages=pages)

    def _end(self, pid: int, at_s: float) -> None:
        life = self._running.pop(pid, None)
        if life is None and (missed := self._missed.get(pid)) is not None and at_s <= missed.seen_s:
            life = replace(self._missed.pop(pid), seen_s=at_s)
        if life is not None and at_s >= life.started_s:
            self._over.append(replace(life, ended_s=at_s, seen_s=max(life.seen_s, at_s)))

    def lives(self) -> list[Life]:
        return [*self._over, *self._missed.values(), *self._running.values()]


def lives_of(seen: Iterable[MemoryMap | Births]) -> list[Life]:
    """All lives, by boot and start. Of one that is in no later map it is not known when it ended."""
    boots: dict[str, _Boot] = {}
    for one in sorted(seen, key=lambda one: (one.time, one.uptime_ms)):
        boots.setdefault(one.boot_id, _Boot(one.boot_id)).take(one)
    order = list(boots)
    lives = [life for boot in boots.values() for life in boot.lives()]
    return sorted(lives, key=lambda life: (order.index(life.boot_id), life.started_s, life.pid))
