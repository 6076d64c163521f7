"""mkdir, mv, cp, truncate, write and sync."""

import os
import select

from .. import compat, const
from ..compat.calls import calls
from ..sources.meminfo import parse_line
from ..sources.procfile import ProcFile
from . import Wrong
from .paths import KIND, LINK, Created, base, failed, is_folder, join, opened, permit, pieces, shown
from .words import need, number, options

_EEXIST = const(17)
_EXDEV = const(18)
_AT_ONCE_KB = const(256)  # slow flash takes a second or two for so much
_LOOK_MS = const(50)
_STALLED_MS = const(40000)  # the kernel writes every 5 s what is older than 30 s (Documentation/sysctl/vm.txt)
_TO_DISK = "[-f] SOURCE... DEST"


def mkdir(agent, words):
    found, words = options("mkdir", words, "p")
    need("mkdir", words, 1, "[-p] DIRECTORY...")
    for path in words:
        at = 0 if "p" in found else len(path)
        while at >= 0:
            at = path.find(b"/", at + 1) if at < len(path) else len(path)
            part = path if at < 0 else path[:at]
            try:
                os.mkdir(part)
            except OSError as error:
                if not ("p" in found and error.errno == _EEXIST and is_folder(part)):
                    yield failed("mkdir", error, part, "can't create directory '%s'")
                    break
            at = -1 if part is path or part == path else at
            yield None


def _targets(command, words):
    """Yield (source, target): in the folder that the last word names, or that word itself for one source."""
    need(command, words, 2, _TO_DISK)
    last = words[-1]
    into = is_folder(last)
    if len(words) > 2 and not into:
        raise Wrong("%s: '%s' is not a directory" % (command, shown(last)))
    for source in words[:-1]:
        yield source, join(last, base(source)) if into else last


def mv(agent, words):
    """Within one file system by rename(2); else a copy, and then the source is removed."""
    _, words = options("mv", words, "f")
    for source, target in _targets("mv", words):
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno != _EXDEV:
                yield failed("mv", error, source, "can't rename '%s'")
                continue
            failure = None
            for failure in _copy("mv", source, target):
                yield failure
            if failure is None:
                try:
                    os.remove(source)
                except OSError as error:
                    yield failed("mv", error, source, "can't remove '%s'")
        yield None


def cp(agent, words):
    """Files only. A link as the source is followed, as BusyBox does. A new file has the mode of its source."""
    _, words = options("cp", words, "f")
    for source, target in _targets("cp", words):
        yield from _copy("cp", source, target)


def _copy(command, source, target):
    """Yield None after each piece; what is yielded last is None if all went well."""
    try:
        was = calls.lstat(source)
        if was[0] & KIND == LINK and command == "mv":
            yield "%s: '%s' is a link, and on another file system: it stays" % (command, shown(source))
            return
        if is_folder(source):
            yield "%s: omitting directory '%s'" % (command, shown(source))
            return
        there = _identity(target)
        if there is not None and there == _identity(source):
            yield "%s: '%s' and '%s' are the same file" % (command, shown(source), shown(target))
            return
        file = opened(source)
        mode = os.stat(source)[0] & 0o777 if there is None or command == "mv" else None
    except OSError as error:
        yield failed(command, error, source, "can't open '%s'")
        return
    try:
        yield from _copied(command, file, target, mode)
    finally:
        file.close()


def _copied(command, file, target, mode):
    """mode: of the target; None: it keeps its own."""
    out = None
    try:
        out = Created(target, 0)
        if mode is not None:
            permit(out.descriptor, mode)
        for piece in pieces(file):
            out.write(piece)
            yield None
    except OSError as error:
        yield failed(command, error, target, "can't create '%s'" if out is None else "write error to '%s'")
    else:
        yield None
    finally:
        if out is not None:
            out.close()


def _identity(path):
    """What tells a file from all others; None where there is none."""
    try:
        found = os.stat(path)
        return found[1], found[2]
    except OSError:
        return None


def truncate(agent, words):
    """A file that is not there is made, unless -c is given."""
    found, words = options("truncate", words, "cs:")
    need("truncate", words, 1 if "s" in found else 1000, "[-c] -s SIZE FILE...")
    size_bytes = number("truncate", found["s"])
    for path in words:
        try:
            if "c" in found and _identity(path) is None:
                continue
            out = Created(path, 1)
            try:
                calls.resize(out.descriptor, size_bytes)
            finally:
                out.close()
        except OSError as error:
            yield failed("truncate", error, path)
        yield None


def write(agent, words):
    """`write [-a] FILE TEXT...`: what `echo TEXT... >FILE` does in a shell; -a is >>."""
    found, words = options("write", words, "a")
    need("write", words, 1, "[-a] FILE TEXT...")
    try:
        out = Created(words[0], 2 if "a" in found else 0)
        try:
            out.write(b" ".join(words[1:]) + b"\n")
        finally:
            out.close()
    except OSError as error:
        yield failed("write", error, words[0], "can't write to '%s'")


def sync(agent, words):
    """sync(2) returns when all is on disk, and no poll can come before that. So the kernel's own threads are left to
    write first, and the call has only little to do."""
    need("sync", words, 0, "", 0)
    memory = ProcFile(agent.sampler.system.root, "/meminfo")
    try:
        least_kb, since_ms = _unwritten_kb(memory), compat.ticks_ms()
        left_kb = least_kb
        while left_kb > _AT_ONCE_KB:
            if compat.ticks_diff(compat.ticks_ms(), since_ms) > _STALLED_MS:
                raise Wrong("sync: %d kB are not written yet, and the kernel does not get on with it" % left_kb)
            compat.wait(select.poll(), _LOOK_MS)
            yield None
            left_kb = _unwritten_kb(memory)
            if left_kb < least_kb:
                least_kb, since_ms = left_kb, compat.ticks_ms()
        calls.sync()
    except OSError as error:
        yield failed("sync", error)
    finally:
        memory.close()
    yield None


def _unwritten_kb(memory):
    """Dirty and Writeback of /proc/meminfo; 0 where it cannot be read."""
    found = [0]

    def take(line):
        if line.startswith(b"Dirty:") or line.startswith(b"Writeback:"):
            found[0] += parse_line(line)[1]
        return True if line.startswith(b"Writeback:") else None

    try:
        memory.lines(take)
    except OSError:
        return 0
    return found[0]
