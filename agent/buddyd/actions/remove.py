"""rm and rmdir."""

import os

from ..compat.calls import calls
from . import Wrong
from .paths import FOLDER, KIND, base, entry, failed, join, shown
from .words import need, options

_ENOENT = 2


def rmdir(agent, words):
    _, words = options("rmdir", words, "")
    need("rmdir", words, 1, "DIRECTORY...")
    for path in words:
        try:
            os.rmdir(path)
        except OSError as error:
            yield failed("rmdir", error, path, "'%s'")
        yield None


def rm(agent, words):
    """Links are removed and never followed."""
    found, words = options("rm", words, "rRfi")
    if "i" in found:
        raise Wrong("rm: -i asks questions, which nobody here can answer")
    force = "f" in found
    need("rm", words, 0 if force else 1, "[-rf] FILE...")
    for path in words:
        if base(path) in (b".", b".."):
            yield "rm: can't remove '.' or '..'"
            continue
        if base(path) == b"/":
            yield "rm: can't remove '/': it is refused"
            continue
        try:
            if calls.lstat(path)[0] & KIND != FOLDER:
                os.remove(path)
            elif "r" in found or "R" in found:
                yield from _folder(path)
            else:
                yield "rm: '%s' is a directory" % shown(path)
        except OSError as error:
            if not (force and error.errno == _ENOENT):
                yield failed("rm", error, path, "can't remove '%s'")
        yield None


def _folder(path):
    """Remove a folder with all that is in it. What cannot be removed is reported and left; the rest goes.

    Memory: a few numbers for each folder on the way. An entry is looked for behind those that stay.
    """
    here, start, stays, above = path, None, False, []
    while True:
        at, found = here, None
        try:
            found = entry(here, False, start)
            if found is None and not stays:
                os.rmdir(here)
            elif found is not None and not found[1]:
                at = join(here, found[0])
                os.remove(at)
        except OSError as error:
            yield failed("rm", error, at, "can't remove '%s'")
            stays = True
            if found is not None:
                start = found[2]
        if found is not None and found[1]:
            above.append((start, found[2], stays))
            here, start, stays = join(here, found[0]), None, False
        elif found is None:
            if not above:
                return
            before, behind, stayed = above.pop()
            start, stays = (behind, True) if stays else (before, stayed)
            here = here[: max(here.rfind(b"/"), 0)]
        yield None
