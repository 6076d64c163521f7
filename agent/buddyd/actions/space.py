"""df, du and mount."""

import os

from .. import const
from ..compat.calls import calls
from ..sources.procfile import ProcFile
from . import Wrong
from .paths import FOLDER, KIND, entry, failed, join, shown
from .words import options

_DEPTH_MAX = const(24)  # folders within folders: for each, du keeps where it was


def _mounts(agent):
    """(device, folder, kind, flags) of each line of /proc/mounts, one at a time: the next is found by its number."""
    number = 0
    while True:
        line = _line(agent, "mounts", number)
        if line is None:
            return
        number += 1
        words = line.split(b" ")
        if len(words) >= 4:
            yield words[:4]


def _line(agent, name, number):
    """Line `number` of a file of /proc; None behind its end. One buffer is shared, so no file is read in between."""
    left = [number, None]

    def take(line):
        if left[0] == 0:
            left[1] = line
            return True
        left[0] -= 1
        return None

    file = ProcFile(agent.sampler.system.root, name)
    try:
        file.lines(take)
    finally:
        file.close()
    return left[1] or None


def mount(agent, words):
    """The list of what is mounted; it mounts nothing."""
    if words:
        raise Wrong("mount: only the list is shown here; give no words")
    try:
        for device, folder, kind, flags in _mounts(agent):
            yield device + b" on " + folder + b" type " + kind + b" (" + flags + b")\n"
    except OSError as error:
        yield failed("mount", error, b"/proc/mounts", "can't open '%s'")


def df(agent, words):
    """In units of 1024 bytes. With words, the file systems that these lie on."""
    _, words = options("df", words, "k")
    yield b"Filesystem           1K-blocks      Used Available Use% Mounted on\n"
    if not words:
        try:
            for device, folder, _, _ in _mounts(agent):
                line = _use(device, folder)
                if line is not None:
                    yield line
                yield None
        except OSError as error:
            yield failed("df", error)
    for path in words:
        try:
            yield _use(b"-", path) or b""
        except OSError as error:
            yield failed("df", error, path)


def _use(device, folder):
    """The line of a file system; None for one without blocks, such as /proc."""
    found = tuple(os.statvfs(folder))
    unit, blocks, free, usable = found[1], found[2], found[3], found[4]
    if not blocks:
        return None
    used = blocks - free
    percent = (used * 100 + used + usable - 1) // (used + usable) if used + usable else 0
    sizes = [count * unit // 1024 for count in (blocks, used, usable)]
    return b"%-20s %9d %9d %9d %3d%% %s\n" % (device, sizes[0], sizes[1], sizes[2], percent, folder)


def du(agent, words):
    """In units of 1024 bytes; links are not followed. A file with several names counts each time."""
    found, words = options("du", words, "ska")
    for path in words or [b"."]:
        try:
            if calls.lstat(path)[0] & KIND != FOLDER:
                yield _size(calls.lstat(path)[5] // 2, path)
            else:
                yield from _tree(path, "s" in found)
        except OSError as error:
            yield failed("du", error, path)
        yield None


def _size(kb, path):
    return b"%d\t%s\n" % (kb, path)


def _tree(path, only_sum):
    """Folders within a folder, each with its sum. above: for each folder on the way, its position and its sum."""
    above, position, blocks = [], None, calls.lstat(path)[5]
    while True:
        found = entry(path, False, position)
        if found is not None:
            name, is_folder, position = found
            below = join(path, name)
            own = calls.lstat(below)[5]
            if is_folder and len(above) < _DEPTH_MAX:
                above.append((position, blocks))
                path, position, blocks = below, None, own
            else:
                if is_folder:
                    yield "du: %s: more than %d folders deep: left out" % (shown(below), _DEPTH_MAX)
                blocks += own
            yield None
            continue
        if not only_sum or not above:
            yield _size(blocks // 2, path)
        if not above:
            return
        position, outer = above.pop()
        blocks += outer
        path = path[: path.rfind(b"/")]
