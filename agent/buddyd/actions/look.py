"""ls, cat, head and tail."""

from .. import const
from ..compat.calls import calls
from .paths import KIND, LINK, entry, failed, is_folder, join, opened, pieces
from .words import need, number, options

_LETTERS = const("?pc?d?b?-?l?s???")  # by the kind of a file, its bits 12 to 15
_DAY_S = const(86400)


def ls(agent, words):
    """A line each, in the order in which the kernel has them: sorting would need memory for all names."""
    found, words = options("ls", words, "la1Ad")
    many = len(words) > 1
    for path in words or [b"."]:
        try:
            if is_folder(path) and "d" not in found:
                if many:
                    yield b"\n" + path + b":\n"
                yield from _folder(path, found)
            else:
                yield _line(path, path, found)
        except OSError as error:
            yield failed("ls", error, path)
        yield None


def _folder(path, found):
    position, hidden = None, "a" in found or "A" in found
    while True:
        next_one = entry(path, True, position)
        if next_one is None:
            return
        name, _, position = next_one
        if hidden or name[:1] != b".":
            try:
                yield _line(join(path, name), name, found)
            except OSError as error:  # it has gone meanwhile
                yield failed("ls", error, join(path, name))
        yield None


def _line(path, name, found):
    """Of `ls -l`: mode, links, owner, group, size or device, time in UTC, name, what a link leads to."""
    if "l" not in found:
        calls.lstat(path)
        return name + b"\n"
    mode, links, uid, gid, size_bytes, _, changed_s, _, _ = calls.lstat(path)
    target = b" -> " + calls.readlink(path) if mode & KIND == LINK else b""
    line = "%s %4d %-8d %-8d %9d %s " % (mode_text(mode), links, uid, gid, size_bytes, date_text(changed_s))
    return line.encode() + name + target + b"\n"


def mode_text(mode):
    """As -rw-r--r--."""
    text = _LETTERS[mode >> 12 & 15]
    for place in (6, 3, 0):
        bits = mode >> place & 7
        special = mode >> 9 + place // 3 & 1
        last = ("sS" if place else "tT")[0 if bits & 1 else 1] if special else "x" if bits & 1 else "-"
        text += ("r" if bits & 4 else "-") + ("w" if bits & 2 else "-") + last
    return text


def date_text(seconds):
    """Seconds since 1970 as 1970-01-01 00:00, UTC. Days from the 1st of March on: the leap day is then the last."""
    days = seconds // _DAY_S + 719468
    era = days // 146097
    of_era = days % 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day, month = of_year - (153 * shifted + 2) // 5 + 1, shifted + 3 if shifted < 10 else shifted - 9
    year += era * 400 + (1 if month <= 2 else 0)
    return "%04d-%02d-%02d %02d:%02d" % (year, month, day, seconds // 3600 % 24, seconds // 60 % 60)


def cat(agent, words):
    _, words = options("cat", words, "")
    need("cat", words, 1, "FILE...")
    yield from _each("cat", words, _all, None)


def head(agent, words):
    count, words = _count("head", words)
    yield from _each("head", words, _first, count)


def tail(agent, words):
    count, words = _count("tail", words)
    yield from _each("tail", words, _last, count)


def _count(command, words):
    """((unit, how many), files). unit: n for lines, c for bytes."""
    found, words = options(command, words, "n:c:")
    need(command, words, 1, "[-n LINES | -c BYTES] FILE...")
    unit = "c" if "c" in found else "n"
    return (unit, number(command, found.get(unit, b"10"))), words


def _each(command, words, part, count):
    for path in words:
        if len(words) > 1 and command != "cat":
            yield b"==> " + path + b" <==\n"
        try:
            yield from part(path, count)
        except OSError as error:
            yield failed(command, error, path, "can't open '%s'")
        yield None


def _all(path, _):
    yield from _from(path, 0, "c")


def _first(path, count):
    unit, left = count
    file = opened(path)
    try:
        for piece in pieces(file):
            end = min(left, len(piece))
            if unit == "n":
                end = _end_of_line(piece, left)
                left -= bytes(piece[:end]).count(b"\n")
            else:
                left -= end
            yield bytes(piece[:end])
            if not left:
                return
    finally:
        file.close()


def _end_of_line(piece, lines):
    """Where so many lines end in a piece."""
    data, end = bytes(piece), 0
    while lines and end < len(data):
        end = data.find(b"\n", end) + 1 or len(data)
        lines -= 1
    return end


def _last(path, count):
    """Read twice: a file of /proc has no size, and no end from which to count."""
    unit, wanted = count
    total, ends = 0, True
    file = opened(path)
    try:
        for piece in pieces(file):
            total += len(piece) if unit == "c" else bytes(piece).count(b"\n")
            ends = piece[len(piece) - 1] == 10
            yield None
    finally:
        file.close()
    if unit == "n" and not ends:
        total += 1
    yield from _from(path, max(0, total - wanted), unit)


def _from(path, left_out, unit):
    """The file, without so many bytes or lines at its start."""
    file = opened(path)
    try:
        for piece in pieces(file):
            begin = min(left_out, len(piece)) if unit == "c" else _end_of_line(piece, left_out)
            left_out -= begin if unit == "c" else bytes(piece[:begin]).count(b"\n")
            yield bytes(piece[begin:])
    finally:
        file.close()
