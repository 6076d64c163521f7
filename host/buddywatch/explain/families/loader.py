"""A program loader's message without the allocator's beside it. fs/binfmt_flat.c, fs/binfmt_elf_fdpic.c."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import loader as forms
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text import advice

_ENOMEM = 12
_NEAR_CHARS = 3000
_PIECES = {
    "process text": "the program's text, copied from the file because the file system cannot lend it in place",
    "process data": "the program's data, bss and stack",
    "process text/data": "the program's text, data, bss and stack",
    "data+bss": "the program's data and bss",
    "code+data+bss": "the program's text, data and bss",
}
_IN_PLACE = Remedy(
    "in_place",
    "Run the text in place: a romfs on MTD, with a program built for it (`elf2flt` without -r), needs no RAM for it, "
    "and the piece that is left is smaller.",
)
_STACK = Remedy(
    "smaller_stack",
    "`buddywatch need FILE` says how large the piece is, and how much of it is stack; `flthdr -s SIZE` lowers that.",
)
_TEXT = Remedy(
    "smaller_text",
    "`buddywatch need FILE` says how large the piece is. Most of it is the program's text: fewer applets make it "
    "smaller.",
)
_LOG = Remedy(
    "log",
    "The kernel prints who asked for how many bytes in the line before (`Allocation of length ... failed`), and then "
    "what was free: `dmesg` has both, unless its buffer overflowed. `dmesg -n 8` shows them on the console as well.",
    short="`dmesg`: the line before says who asked for how many bytes",
)


def finding(message: Message, raw: Raw) -> Finding | None:
    notice = next(notice for notice in message.notices if notice.family == forms.FAMILY)
    errno = notice.numbers.get("errno_number", _ENOMEM)
    piece = _PIECES.get(message.for_what or "", "the program")
    if notice.form == forms.NO_LIBRARY:
        library = notice.numbers["library_number"]
        return Finding(
            f"shared library {library} of a program",
            f"A program needs shared library {library} (bFLT), which could not be loaded: its file is missing, or "
            "there was no block for it. The lines before say which.",
            "The text does not show whether memory was the reason.",
            reasons.UNKNOWN,
            None,
            (_LOG,),
        )
    if notice.form == forms.INTERPRETER or errno != _ENOMEM:
        why = "" if errno == _ENOMEM else f" (errno {errno}; a lack of memory is {_ENOMEM})"
        return Finding(
            "a program that could not be loaded",
            f"A program loader could not read or map {piece}{why}.",
            "The file is the likely cause, not memory: a read error, or a file that was cut.",
            reasons.UNKNOWN,
            None,
            (_LOG,) if errno == _ENOMEM else (),
        )
    return (
        _no_init(piece)
        if raw.ends_without_init(message.offset)
        else _no_memory(notice.form, piece, _before(message, raw))
    )


def _no_init(piece: str) -> Finding:
    """The kernel tried one program after another, and stopped."""
    asked = (
        f"A program was being started as init, the first of all, and the kernel had no memory for {piece}. No other "
        "could be started either, so the kernel stopped (panic): nothing can be typed on this machine."
    )
    cause = (
        "Without an MMU each such piece must be one free block of contiguous pages, of the next power of two. Right "
        "after the boot that means: the program is too large for what the kernel and its root file system leave, or "
        "the kernel has a bug. Neither the size nor what was free is in the text."
    )
    smaller = Remedy(
        "smaller_program",
        "Make the first program smaller (fewer applets, a smaller stack: `buddywatch need FILE` shows its pieces), or "
        "the root file system in RAM.",
        short="a smaller first program, or a smaller root file system in RAM",
    )
    log = Remedy(
        "console",
        "The console has more of it: `loglevel=8` on the kernel's command line shows who asked for how many bytes and "
        "what was free then, in the lines before.",
        short="`loglevel=8` on the kernel's command line shows the size and what was free",
    )
    remedies = (smaller, log, _IN_PLACE)
    return Finding("the memory of the first program (init)", asked, cause, reasons.UNKNOWN, True, remedies)


def _before(message: Message, raw: Raw) -> str:
    """What the list of free blocks right before the message says of the piece; "" if there is none."""
    near = [dump for dump in raw.dumps if dump.has_blocks and 0 <= message.offset - dump.offset < _NEAR_CHARS]
    zones = [zone for dump in near[-1:] for zone in dump.zones.values() if zone.counts]
    blocks = [(count, unit) for zone in zones for count, unit in zip(zone.counts, zone.units_kb, strict=True) if count]
    if not blocks:
        return ""
    total, largest = sum(count * unit for count, unit in blocks), max(unit for _, unit in blocks)
    return (
        f" Right before, {total} kB were free, the largest block of them {largest} kB: the piece was larger, or that "
        "block was kept in reserve."
    )


def _no_memory(form: str, piece: str, before: str) -> Finding:
    asked = f"A program was being started, and the kernel had no memory for {piece}."
    if form == forms.NO_READ:
        asked = f"A program was being started, and the kernel ran out of memory while it read {piece}."
    cause = (
        "No free block was large enough, or too little was free in all; the text does not have the size. Without an "
        "MMU each such piece must be one free block of contiguous pages, of the next power of two."
    ) + before
    help_most = (_IN_PLACE, _TEXT) if piece == _PIECES["process text/data"] else (_STACK, _IN_PLACE)
    remedies = (_LOG, *help_most, Remedy("resident", advice.STAY_RESIDENT))
    return Finding("the memory of a program that was being started", asked, cause, reasons.UNKNOWN, True, remedies)
