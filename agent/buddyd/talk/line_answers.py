"""Typed lines and the lines of `watch`. Not in answers.py, so that the heap holds this only when it is used."""

from .. import const, watermark
from . import answers

# Backspace, Delete and Ctrl-U, from a terminal that sends each key as it is typed.
_ERASE = const(8)
_DELETE = const(127)
_KILL = const(21)


def edited(line):
    """The text of a typed line, after its Backspaces and Ctrl-Us were applied."""
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
    """The newest snapshot and the largest request that succeeds, in a line."""
    sampler = agent.sampler
    zones, rule = watermark.kernel_zones(sampler), watermark.rule_of(sampler.system)
    page_bytes = sampler.system.page_bytes
    known = zones and rule is not None and page_bytes
    largest = answers.block(watermark.serviceable_order(zones, rule), page_bytes) if known else "unknown"
    return "%s; at most %s in one piece" % (answers.row(agent.sampled, sampler.vector, sampler), largest)
