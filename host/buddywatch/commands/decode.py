"""`buddywatch decode [FILE|- ...] [--boot ID] [--json]`: explains each line of a serial line or recording."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator

from buddywatch.commands import CommandError
from buddywatch.commands.boards import print_json
from buddywatch.config.sections import Config
from buddywatch.protocol.decode import LineDecoder, Record
from buddywatch.text.escape import COLUMNS, counted, escaped, one_line
from buddywatch.text.units import format_duration

DAMAGED = 1
LINE_MAX = 65_536  # bytes of a line that are read; a frame has at most 255
_ZONE = ("min", "low", "high", "reserve")
_NUMBERS = {"alloc": "{} bytes", "vma": "{} bytes", "page": "order {}", "oom": "order {}", "load": "errno {}"}
_REQUESTS = {
    "hello": "a hello", "map": "a map", "command": "a part of a command", "output": "a piece of a command's output",
    "end of a command": "the end of a command",
}  # fmt: skip
_PIECES = {
    "o": "output", "f": "a failure", "d": "done, with the exit code", "w": "still at work", "m": "parts are missing",
    "n": "refused", "g": "begun before, how it ended is not known",
}  # fmt: skip
_PROOFS = {
    "challenge": "challenge: {} demands authentication; check ok",
    "answer": "answer: the host proves that it has the secret; check ok",
    "proof": "proof: the board proves that it has the secret; check ok",
}
_NAMES = {
    "proc": "processes created",
    "free": "pages free outside the block lists",
    "recl": "listed as reclaimable",
    "slab": "in slab",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "a recording, a log, or any other text with such lines (default: standard input)"
    parser.add_argument("files", metavar="FILE", nargs="*", help=what)
    boot = "the boot id of frames that have no hello before them"
    parser.add_argument("--boot", metavar="ID", type=_boot, help=boot)
    parser.add_argument("--json", action="store_true", help="print JSON, an object for each line")


def run(args: argparse.Namespace, config: Config) -> int:
    counts: Counter[str] = Counter()
    for name in args.files or ["-"]:
        decoder = LineDecoder(args.boot)
        for line in _lines(name):
            for record in decoder.take(line):
                counts[_what(record)] += 1
                if args.json:
                    print_json(record)
                else:
                    print("\n".join(words(record)), flush=name == "-")
    if not args.json:
        print(_summary(counts))
    return DAMAGED if counts["damaged line"] else 0


def _what(record: Record) -> str:
    if record.get("check") == "wrong":
        return "damaged line"
    if record.get("check") == "unknown":
        return "frame that could not be checked"
    return "line of text" if record["line"] == "text" else str(record["line"])


def _summary(counts: Counter[str]) -> str:
    parts = [f"{count} {what if count == 1 else _plural(what)}" for what, count in counts.items()]
    return "-- " + (", ".join(parts) or "nothing was read")


def _plural(what: str) -> str:
    first, space, rest = what.partition(" ")
    return f"{first}s{space}{rest}" if first in ("line", "frame") else f"{what}s"


def _lines(name: str) -> Iterator[bytes]:
    """The lines of a file, or of standard input as they arrive. Of a line that is too long, only the end."""
    try:
        with open(name, "rb") if name != "-" else open(sys.stdin.fileno(), "rb", closefd=False) as file:
            line = b""
            while piece := file.readline(LINE_MAX):
                line = (line + piece)[-LINE_MAX:]
                if line.endswith(b"\n"):
                    yield line
                    line = b""
            yield line
    except OSError as error:
        raise CommandError(
            f"{escaped(name)}: cannot be read ({error.strerror}); give a file, or - for standard input"
        ) from None


def words(record: Record) -> list[str]:
    """The decoded line in words."""
    if record["line"] == "text":
        return [f"text: {one_line(record['text'])}"]
    if record["check"] == "wrong":
        return [f"{record['line']}, CHECK WRONG: {one_line(record['text'])}"]
    if record["check"] == "unknown":
        why = "not checked (no hello before it; give --boot)"
        return [f"{record['line']}, {why}: {one_line(record['text'])}", *_unknown(record)]
    if record["line"] == "hello":
        facts = " ".join(f"{key}={value}" for key, value in record["facts"].items())
        return [f"hello of boot {escaped(record['boot_id'])}, check ok", *_indented(escaped(facts))]
    if record["line"] == "gap":
        count = counted(record["last"] - record["first"] + 1, "frame")
        return [f"gap of boot {escaped(record['boot_id'])}: {count} from {record['first']} on overwritten, check ok"]
    if record["line"] == "request":
        return [_request(record)]
    if record["line"] == "output":
        what, size = _PIECES[record["kind"]], counted(record["bytes"], "byte")
        return [f"command {escaped(record['command'])}, piece {record['piece']}: {what}, {size}, check ok"]
    if record["line"] in _PROOFS:
        return [_PROOFS[record["line"]].format(escaped(record.get("name", "")))]
    return _frame(record)


def _request(record: Record) -> str:
    if record["for"] != "frames":
        return f"request: {_REQUESTS[record['for']]}; check ok"
    count = counted(record["count"], "frame")
    return f"request: {count} from {record['first']} on of boot {escaped(record['boot_id'])}; check ok"


def _frame(record: Record) -> list[str]:
    head = f"{record['seq']} {record['line']}, {record['kind']}, {record['bytes']} bytes, check ok"
    if record["line"] == "event":
        about = [f"up {_uptime(record['uptime_s'])}"] if record.get("uptime_s") is not None else []
        number = _NUMBERS.get(record["kind"], "number {}")
        named = ((number, record.get("number")), ("process {}", record.get("pid")), ("name {}", record.get("comm")))
        about += [text.format(escaped(str(value))) for text, value in named if value is not None]
        return [head, *_indented(", ".join(about)), *_indented(escaped(record["text"]))]
    if record["state"] is not None:
        return [head, *_state(record["state"])]
    return [head, *_unknown(record)]


def _state(state: Record) -> Iterator[str]:
    named = [f"{state[name]} {text}" for name, text in _NAMES.items() if name in state]
    yield from _indented(", ".join([f"up {_uptime(state['up'] / 100)}", *named]))
    for zone in state["zones"]:
        marks = [f"{name} {zone[name + '_pages']}" for name in _ZONE if zone[name + "_pages"] is not None]
        blocks = " ".join(map(str, zone["nr_free"]))
        name = f"node {zone['node']} {escaped(zone['zone'])}"
        yield from _indented(f"{name}: blocks of 1, 2, 4 ... pages: {blocks}; {', '.join(marks) or 'marks unknown'}")


def _unknown(record: Record) -> list[str]:
    """A snapshot whose state is unknown: only the changes are in the frame."""
    if "error" in record:
        return _indented(escaped(record["error"]))
    if record.get("changes") is None:
        return []
    changes = ", ".join(f"column {at} {change:+}" for at, change in record["changes"])
    return _indented(f"state unknown (a frame or the hello before it is missing); changes: {changes or 'none'}")


def _uptime(seconds: float) -> str:
    return f"{format_duration(seconds)} {round(seconds * 100) % 100:02} cs"


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _boot(text: str) -> str:
    if len(text) != 8 or set(text) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{one_line(text, 40)!r}: expected 8 hex digits, as a hello's boot=")
    return text
