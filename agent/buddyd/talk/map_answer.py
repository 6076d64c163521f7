"""The answer to `map`."""

from .. import const
from ..sources import memory_map
from ..sources.programs import Programs

_SHOWN = const(4)  # pieces of a program


def programs(agent):
    """Yield a line for each program with memory of its own. A map goes into the ring as well."""
    system = agent.sampler.system
    if not (system.no_mmu and system.page_bytes):
        yield "only without an MMU the addresses of a program say which memory it has"
        return
    memory_map.want(agent)
    found = False
    page_kb = system.page_bytes // 1024
    try:
        for pid, name, start_cs, regions in Programs(system.root, system.page_bytes).read():
            found = True
            kb = sum([region[1] for region in regions]) * page_kb
            pieces = ["%dkB at 0x%x" % (pages * page_kb, first * page_kb << 10) for first, pages in regions[:_SHOWN]]
            if len(regions) > _SHOWN:
                pieces.append("%d more" % (len(regions) - _SHOWN))
            yield "%d %s, since %d s after the boot: %dkB: %s" % (pid, name, start_cs // 100, kb, ", ".join(pieces))
    except OSError:
        yield "no processes can be listed in " + system.root
        return
    if not found:
        yield "no process has memory of its own"
