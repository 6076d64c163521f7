"""Lines as people type and watch them: apart from answers.py, so that the heap holds this only where somebody does."""

from .. import const, watermark
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


def watched(agent):
    """The newest snapshot and what the kernel would hand out, in a line."""
    sampler = agent.sampler
    zones, rule, page_bytes = sampler.kernel_zones(), sampler.rule(), sampler.system.page_bytes
    known = zones and rule is not None and page_bytes
    largest = answers.block(watermark.serviceable_order(zones, rule), page_bytes) if known else "unknown"
    return "%s; at most %s in one piece" % (answers.row(agent.sampled, sampler.vector, sampler), largest)
