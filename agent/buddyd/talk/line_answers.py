"""What few people ask for: apart from human.py, so that the heap holds it only where somebody does."""

from .. import VERSION, compat, const, watermark
from . import answers

# Backspace, Delete and Ctrl-U of a terminal that sends them as they are typed.
_ERASE = const(8)
_DELETE = const(127)
_KILL = const(21)


def edited(line):
    """What a person meant by the bytes of a line: with what was typed wrong taken out."""
    kept = bytearray()
    for byte in line:
        if byte == _KILL:
            kept = bytearray()
        elif byte != _ERASE and byte != _DELETE:
            kept.append(byte)
        elif kept:
            kept = kept[:-1]  # MicroPython's bytearray has no pop()
    return kept


def about(desk):
    """Yield what this is, and what it will not do."""
    yield "buddyd %s (%s) on %s." % (VERSION, compat.IMPLEMENTATION, desk.name)
    yield "It is the agent of buddywatch: every few seconds it reads the free memory"
    yield "blocks of this kernel, and keeps them for a collector. It starts no process,"
    yield "changes nothing here, writes no file, takes no more memory than at its start,"
    yield "and knows no other words than those of help."
    yield "More: agent/README.md and agent/PROTOCOL.md of buddywatch."


def watched(desk):
    """The newest snapshot and what the kernel would hand out, in a line."""
    sampler = desk.sampler
    zones, rule, page_bytes = sampler.kernel_zones(), sampler.rule(), sampler.system.page_bytes
    known = zones and rule is not None and page_bytes
    largest = answers.block(watermark.serviceable_order(zones, rule), page_bytes) if known else "unknown"
    return "%s; at most %s in one piece" % (answers.row(desk.sampled, sampler.vector, sampler), largest)
