"""Answers for a user who connects with a plain terminal. No typed line starts a program on the board."""

from .. import compat, forget, watermark, wire
from . import WATCHING

RECENT_MAX = 20
HELP = (
    "commands:",
    "  help        this text",
    "  status      the state of memory now",
    "  need BYTES  would the kernel give a program so many contiguous bytes?",
    "  recent [N]  the last N snapshots (at most 20): free blocks by order",
    "  watch       each new snapshot, until you type anything; on a serial line: stop",
    "  map         which program has which memory, without an MMU",
    "  about       what this is, and what it will not do",
    "Machine frames flow when a collector asks for them.",
)


def answer(agent, line, polite):
    """The answer to a typed line (str): an iterable of lines (str). polite: answer an unknown word, too.

    A line is made when it can be sent, so the heap never holds a whole answer. No line of an answer is a command; an
    echoed one gets only `unknown:`, which gets no answer: an echoing peer must not start an endless conversation.
    """
    words = line.split()
    command = words[0] if 0 < len(words) < 3 else ""
    argument = words[1] if len(words) == 2 else ""
    if command == "help":
        return HELP
    if command == "status":
        return status(agent)
    if command == "need":
        return (need(agent, argument),)
    if command == "recent":
        return recent(agent, argument or "10")
    if command == "watch":
        return WATCHING
    if command == "stop":
        return ("stopped",)
    if command == "map":
        from . import map_answer

        return map_answer.programs(agent)
    if command == "about":
        from . import about

        return about.about(agent)
    if polite and words and words[0] != "unknown:":
        return ("unknown: %s. Type help." % words[0][:20],)
    return ()


def status(agent):
    """Yield the state of memory, and the agent's own cost."""
    sampler, ring = agent.sampler, agent.ring
    yield "%s: %s" % (agent.name, kernel(sampler.system))
    made = sampler.value("proc")
    yield (
        "up %s, %s processes created, snapshot every %d ms"
        % (clock(sampler.uptime_cs()), "unknown number of" if made is None else made, agent.interval_ms)
    )
    yield "reclaimable %s%s, slab %s" % (_pages(sampler, "recl"), _at_most(sampler.system), _pages(sampler, "slab"))
    for zone in sampler.zones:
        yield from _zone_lines(zone, sampler)
    yield _serviceable(sampler)
    for guard in agent.guards:
        yield guard.status()
    yield "missing: %s" % (", ".join(agent.missing()) or "nothing")
    if not agent.kernel_log.file:
        yield "kernel log: " + agent.kernel_log.why_missing()
    used, total = compat.heap()
    yield (
        "buddyd: poll %d us, heap %s; ring %d bytes holds frames %d to %d, %d overwritten"
        % (
            agent.poll_us,
            "%d of %d bytes" % (used, total) if total else "not fixed (CPython)",
            ring.size_bytes,
            ring.oldest,
            ring.next - 1,
            ring.dropped,
        )
    )


def kernel(system):
    """Kernel and processor in a line."""
    mmu = "MMU unknown" if system.no_mmu is None else "no MMU" if system.no_mmu else "with MMU"
    return "Linux %s on %s, %s, compaction %s, pages of %s bytes" % (
        system.release or "?",
        system.machine or "?",
        mmu,
        system.compaction or "unknown",
        system.page_bytes or "?",
    )


def _at_most(system):
    """Without an MMU a tmpfs is a ramfs. Until 4.16 its pages count up to the next scan of the lists (mm/swap.c)."""
    in_ram = system.no_mmu and (system.files or 0) & 1
    return " at most, files in RAM among it" if in_ram and (watermark.version(system.release) or ()) < (4, 16) else ""


def _zone_lines(zone, sampler):
    nr_free, marks = zone.nr_free(sampler.vector), zone.marks(sampler.vector)
    pages, more = watermark.free_pages(nr_free), watermark.beside(sampler)
    yield (
        "node %d zone %s: %d pages free%s, %s"
        % (
            zone.node,
            zone.name,
            pages,
            " (counted %d)" % (pages + more) if more else "",
            "min %d, low %d pages" % (marks[0], marks[1]) if marks else "marks unknown",
        )
    )
    page_kb = (sampler.system.page_bytes or 0) // 1024
    counts = []
    for order in range(len(nr_free)):
        counts.append("%s:%d" % (size(page_kb << order) if page_kb else "2^%d" % order, nr_free[order]))
    yield "  " + " ".join(counts)


def _serviceable(sampler):
    zones, rule = watermark.kernel_zones(sampler), watermark.rule_of(sampler.system)
    page_bytes = sampler.system.page_bytes
    if not zones or rule is None or not page_bytes:
        return "what the kernel would hand out: unknown (needs marks, release and page size)"
    order, low_order = watermark.serviceable_order(zones, rule), watermark.serviceable_low_order(zones, rule)
    return "the kernel would hand out at most %s in one piece (%s without reclaim first); rule: %s" % (
        block(order, page_bytes),
        block(low_order, page_bytes),
        rule,
    )


def need(agent, text):
    """The verdict for a number of bytes (text: decimal)."""
    if not text or len(text) > 9 or [char for char in text if not "0" <= char <= "9"] or int(text) == 0:
        return "need BYTES: a number such as 61440"
    sampler = agent.sampler
    zones, rule = watermark.kernel_zones(sampler), watermark.rule_of(sampler.system)
    page_bytes = sampler.system.page_bytes
    if not zones or rule is None or not page_bytes:
        return "need %s: unknown; marks, kernel release or page size cannot be read here" % text
    order = watermark.order_for(int(text), page_bytes)
    verdict, margin = watermark.judge(zones, order, rule, watermark.EXEC_PAGES)
    answer = "need %s: %s; order %d, a block of %s; margin %d pages (for a program, %d pages taken first)" % (
        text,
        verdict,
        order,
        block(order, page_bytes),
        margin,
        watermark.EXEC_PAGES,
    )
    if verdict == watermark.REFUSED and order <= watermark.COSTLY_ORDER:
        answer += "; at this size the OOM killer ends a process instead"
    return answer


def recent(agent, text):
    """Yield the last snapshots, newest last, decoded from the ring. text: how many, decimal."""
    if not text or len(text) > 2 or [char for char in text if not "0" <= char <= "9"]:
        yield "recent [N]: N from 1 to %d" % RECENT_MAX
        return
    held = 0
    for _ in _snapshots(agent):
        held += 1
    left_out = held - min(max(int(text), 1), RECENT_MAX)
    for sequence, vector in _snapshots(agent):
        left_out -= 1
        if left_out < 0:
            yield row(sequence, vector, agent.sampler)
    if not held:
        yield "no snapshot is held"
    forget("buddyd", "wire_read")


def _snapshots(agent):
    """Yield (sequence, vector) of the snapshots in the newest two groups; it is the same list each time."""
    ring, vector = agent.ring, [0] * len(agent.sampler.vector)
    first = ring.key_before if ring.key_before >= ring.oldest else ring.key
    if first < ring.oldest:
        return
    from .. import wire_read  # 1 kB of heap

    column = known = offset = 0
    for sequence in range(first, ring.next):
        known, offset = sequence, ring.locate(sequence, known, offset)
        if offset < 0:
            return  # overwritten while the answer was being sent
        line = ring.line(offset)
        column = wire_read.apply_frame(line[: -wire.CHECK_DIGITS], vector, column, agent.encoder.interval_cs)
        if line[1] in wire.ENDS_SNAPSHOT:
            yield sequence, vector


def row(sequence, vector, sampler):
    blocks = ["%s %s" % (zone.name, " ".join([str(n) for n in zone.nr_free(vector)])) for zone in sampler.zones]
    return "%d up %s %s" % (sequence, clock(vector[0]), "; ".join(blocks))


def block(order, page_bytes):
    return "nothing" if order < 0 else size((page_bytes << order) // 1024)


def _pages(sampler, column):
    pages, page_bytes = sampler.value(column), sampler.system.page_bytes
    return "unknown" if pages is None or not page_bytes else size(pages * page_bytes // 1024)


def size(kb):
    """kB (int) as 64kB."""
    return "%dkB" % kb


def clock(uptime_cs):
    """Centiseconds as d:hh:mm:ss."""
    seconds = uptime_cs // 100
    return "%d:%02d:%02d:%02d" % (seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
