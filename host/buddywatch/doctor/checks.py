"""The checks, each against what docs/prevention.md says. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from buddyd import watermark

from buddywatch.doctor import busybox, scripts
from buddywatch.doctor.facts import BoardFacts, Finding
from buddywatch.kernel_text.marks import formula_min_free_kb
from buddywatch.text import advice
from buddywatch.text.escape import counted, one_line
from buddywatch.text.units import format_bytes

_OFTEN_PER_HOUR = 6
_COSTLY_SHOWN = 3
_LEAVES_OFTEN = 0.1  # pages of files each run
_CRON, _TELNET, _PER_CONNECTION = {"crond"}, {"telnetd", "utelnetd"}, {"inetd", "xinetd", "httpd"}
_NAME_CHARS = 40


def findings(facts: BoardFacts) -> list[Finding]:
    """What to change, the most useful first."""
    if facts.no_mmu is False:
        return []  # programs are not in one piece, and the kernel can compact memory
    found = [
        *_trimming(facts),
        *_filled(facts),
        *_shell(facts),
        *_starts(facts),
        *_left_files(facts),
        *_servers(facts),
        *_script_lines(facts),
        *_smaller(facts),
        *_min_free(facts),
        *_malloc(facts),
    ]
    return sorted(found, key=lambda finding: finding.rank)


def _trimming(facts: BoardFacts) -> Iterator[Finding]:
    settings = [(script, setting) for script in facts.scripts if (setting := scripts.trim_setting(script))]
    for script, (number, value) in settings:
        if value == 0 and scripts.starts_resident_after(script, number):
            found = f"{one_line(script.name)} sets it in line {number}, and starts programs that stay behind that"
            yield Finding(60, advice.TRIM_LATER, found)
    is_set = any(value == 0 for _, (_, value) in settings)
    if is_set or facts.trim_pages == 0 or _built_in_trim(facts) == 0:
        return
    if facts.trim_pages is None and (facts.no_mmu is None or not _has_trimming(facts)):
        return
    now = facts.trim_pages if facts.trim_pages is not None else _built_in_trim(facts)
    said = (
        f"vm.nr_trim_pages is {now}" if now is not None else "vm.nr_trim_pages is not known; the kernel's default is 1"
    )
    tails = ", ".join(f"{one_line(name, _NAME_CHARS)} ({counted(pages, 'page')})" for name, pages in facts.tails[:4])
    yield Finding(10, advice.TRIM, f"{said}{f'; unused ends that went back: {tails}' if tails else ''}")


def _built_in_trim(facts: BoardFacts) -> int | None:
    value = facts.options.get("CONFIG_NOMMU_INITIAL_TRIM_EXCESS", "")
    return int(value) if value.isdecimal() else None


def _has_trimming(facts: BoardFacts) -> bool:
    """vm.nr_trim_pages came with 2.6.29."""
    version = watermark.version(facts.release or "")
    return version is None or version >= (2, 6, 29)


def _filled(facts: BoardFacts) -> Iterator[Finding]:
    """Programs whose block has an unused end. With vm.nr_trim_pages=0 at boot nothing is given back."""
    page_bytes = facts.page_bytes or 4096
    for program in facts.programs:
        for block in program.blocks:
            unused = block.unused_bytes(page_bytes)
            if block.filling_stack_bytes and unused:
                name = one_line(program.name, _NAME_CHARS)
                used, of = block.bytes // page_bytes, _pages(block.bytes, page_bytes)
                found = f"{block.what} of {name}: {used} of {of} pages"
                filled = advice.filled_stack(name, block.stack_bytes, block.filling_stack_bytes, unused)
                yield Finding(20, filled, found)


def _smaller(facts: BoardFacts) -> Iterator[Finding]:
    page_bytes = facts.page_bytes or 4096
    for program in facts.programs:
        for block in program.blocks:
            if block.smaller_stack_bytes and not block.shareable:
                name, half = one_line(program.name, _NAME_CHARS), _pages(block.bytes, page_bytes) * page_bytes // 2
                found = f"{block.what} of {name} takes {format_bytes(half * 2)}"
                yield Finding(70, advice.smaller_stack(name, block.stack_bytes, block.smaller_stack_bytes, half), found)


def _pages(size_bytes: int, page_bytes: int) -> int:
    return 1 << int(watermark.order_for(size_bytes, page_bytes))


def _shell(facts: BoardFacts) -> Iterator[Finding]:
    """Whether the shell runs commands itself is not in the program file; its configuration says it."""
    boxes = [program for program in facts.programs if program.busybox]
    has_config = any(option.startswith("CONFIG_FEATURE_SH_") for option in facts.options)
    if not boxes and not has_config:
        return
    version = boxes[0].busybox if boxes else None
    wanted = busybox.switches(version or (1, 37))
    missing = [option for option in wanted if facts.options.get(f"CONFIG_{option}") != "y"]
    if has_config and not missing:
        return
    said = f"{missing[0]} is off" if has_config else "whether it was built so is not in the file; its .config says it"
    if version:
        removes = busybox.removes_files(version)
        said = f"BusyBox {version[0]}.{version[1]}; {said}"
        said += f". Its shell would run {_some(busybox.run_by_the_shell(version))} itself"
        said += f"; `{removes}` removes a file when `rm` can no longer start" if removes else ""
    yield Finding(30, advice.NOFORK_SHELL, said)


def _some(names: frozenset[str]) -> str:
    useful = ("rm", "unlink", "cat", "kill", "truncate", "mkdir", "touch", "test", "sync", "free")
    return ", ".join(name for name in useful if name in names)


def _starts(facts: BoardFacts) -> Iterator[Finding]:
    """Who is started how often, by what was seen."""
    if not facts.watched_s:
        return
    for record in facts.records:
        per_hour = record.starts * 3600 / facts.watched_s
        lost_bytes = record.lost_in_all_pages * (facts.page_bytes or 4096)
        if per_hour >= _OFTEN_PER_HOUR:
            name = one_line(record.name, _NAME_CHARS)
            every = f", one each {record.period_s:.0f} s" if record.period_s else ""
            found = f"{counted(record.starts, 'start')} of {name} seen{every}"
            rank = 25 if lost_bytes > 0 else 45
            yield Finding(rank, advice.resident(name, per_hour, max(0.0, lost_bytes) or None), found)


def _left_files(facts: BoardFacts) -> Iterator[Finding]:
    """Programs of which something stays in files in RAM, by what was seen."""
    for record in facts.records:
        if record.left_pages is not None and record.left_pages >= _LEAVES_OFTEN:
            name, page_bytes = one_line(record.name, _NAME_CHARS), facts.page_bytes or 4096
            left = f"{format_bytes(round(record.left_in_all_pages) * page_bytes)} in {counted(record.starts, 'run')}"
            yield Finding(22, advice.laid_out_files(name, record.left_pages * page_bytes), f"{name} left {left}")


def _servers(facts: BoardFacts) -> Iterator[Finding]:
    known = set(facts.running).union(*(scripts.servers_in(script) for script in facts.scripts))
    for names, what, rank in (
        (_CRON, advice.CRON, 40),
        (_PER_CONNECTION, advice.PER_CONNECTION, 42),
        (_TELNET, advice.TELNET_SESSION, 50),
    ):
        if here := sorted(names & known):
            yield Finding(rank, what, f"{' and '.join(here)} runs" if len(here) == 1 else f"{' and '.join(here)} run")


def _script_lines(facts: BoardFacts) -> Iterator[Finding]:
    for script in facts.scripts:
        costly = scripts.costly_lines(script)
        if costly:
            name = one_line(script.name, _NAME_CHARS)
            shown = "; ".join(f"line {number}: {why}" for number, why in costly[:_COSTLY_SHOWN])
            more = f"; {len(costly) - _COSTLY_SHOWN} more" if len(costly) > _COSTLY_SHOWN else ""
            lines = f"{counted(len(costly), 'line')} of {name} with the shell's own commands"
            yield Finding(44, advice.script_starts(lines), shown + more)


def _min_free(facts: BoardFacts) -> Iterator[Finding]:
    if facts.min_free_kb is None or facts.memory_kb is None:
        return
    formula_kb = formula_min_free_kb(facts.memory_kb)
    if abs(facts.min_free_kb - formula_kb) * 10 > formula_kb:
        said = f"vm.min_free_kbytes is {facts.min_free_kb}; for {facts.memory_kb} kB the kernel computes {formula_kb}"
        yield Finding(80, advice.min_free(facts.min_free_kb, formula_kb), said)


def _malloc(facts: BoardFacts) -> Iterator[Finding]:
    if facts.options.get("MALLOC_SIMPLE") == "y":
        yield Finding(55, advice.MALLOC, "uClibc is configured with MALLOC_SIMPLE")
