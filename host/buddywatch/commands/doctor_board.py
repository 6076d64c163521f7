"""What the store knows about a board, for `doctor`."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.commands import CommandError
from buddywatch.commands.boards import check_board, time_of
from buddywatch.config.sections import Config
from buddywatch.doctor.facts import BoardFacts
from buddywatch.model.memory_map import MemoryMap
from buddywatch.model.samples import Snapshot
from buddywatch.store import program_lives
from buddywatch.store.memory_maps import map_at
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped
from buddywatch.verdict.culprits import find
from buddywatch.verdict.ends import trimmed_pages
from buddywatch.verdict.judge import page_bytes_of

_DEFAULT_PAGE_BYTES = 4096
DAY_S = 86400.0


def board_facts(config: Config, board: str, since: float | str | None, now: float) -> BoardFacts:
    """since: a moment of the command line. Raises CommandError for a board that is not known."""
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, board)
        boot, newest = store.latest_boot(board), store.latest(board)
        if boot is None:
            raise CommandError(f"no data of {escaped(board)} yet")
        named = config.name_of(board, boot.facts)
        page_bytes = config.board(named).page_bytes or page_bytes_of(boot.facts)
        needs = config.needs_of(named)
        order = int(watermark.order_for(needs[0].bytes, page_bytes or _DEFAULT_PAGE_BYTES)) if needs else 0
        begin = time_of(store, board, since)
        begin = now - DAY_S if begin is None else begin
        points = program_lives.points(store, board, begin, now, order)
        refusals = program_lives.refusals(store, board, begin, now)
        found = find(points, program_lives.lives(store, board, begin, now), refusals, order)
        mapped = map_at(store, board, None)
    trim = boot.facts.get("trim", "")
    return BoardFacts(
        release=boot.facts.get("kernel"),
        no_mmu={"1": True, "0": False}.get(boot.facts.get("nommu", "")),
        page_bytes=page_bytes,
        trim_pages=int(trim) if trim.isdecimal() else None,
        min_free_kb=_min_free_kb(newest, page_bytes),
        running=frozenset(program.name for program in mapped[0].programs) if mapped else frozenset(),
        records=found.records,
        watched_s=found.watched_s,
        tails=_tails(mapped[0]) if mapped else (),
    )


def _min_free_kb(newest: Snapshot | None, page_bytes: int | None) -> int | None:
    """vm.min_free_kbytes is divided among the zones."""
    marks = [zone.min_pages for zone in newest.zones] if newest is not None else []
    if not marks or None in marks or page_bytes is None:
        return None
    return sum(pages or 0 for pages in marks) * page_bytes // 1024


def _tails(found: MemoryMap) -> tuple[tuple[str, int], ...]:
    """Running programs of whose blocks an end went back, with most pages first."""
    pages = {
        program.name: sum(trimmed_pages(region) for region in program.regions if trimmed_pages(region))
        for program in found.programs
    }
    return tuple(sorted(((name, count) for name, count in pages.items() if count), key=lambda one: (-one[1], one[0])))
