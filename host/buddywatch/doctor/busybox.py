"""What BusyBox' shell runs without starting a program, by version: the applets that are NOFORK. Pure.

Read in BusyBox' sources from 1.10.2 to 1.37 (include/applets.src.h and the applets): the shell runs them itself if it
was built with FEATURE_SH_NOFORK and FEATURE_PREFER_APPLETS, hush up to 1.18 with FEATURE_SH_STANDALONE.
"""

from __future__ import annotations

import re

Version = tuple[int, int]

_VERSION = re.compile(rb"BusyBox v(\d{1,2})\.(\d{1,3})")
_ALWAYS = frozenset(
    ("[", "basename", "dirname", "echo", "false", "hostid", "length", "logname", "mkdir", "pwd", "rmdir", "sync")
) | {"touch", "true", "usleep", "whoami"}
_UNTIL_1_26 = {"cat", "rm", "seq", "yes"}  # `rm -i` could not be ended by Ctrl-C
_UNTIL_1_17 = {"sleep"}
_SINCE = {
    (1, 13): "[[ printf test",
    (1, 15): "fsync",
    (1, 18): "printenv",
    (1, 26): "truncate",
    (1, 27): "link",
    (1, 28): "unlink free kill killall killall5 readlink realpath which tty ttysize mesg nproc pwdx clear pivot_root",
}


def version_in(image: bytes) -> Version | None:
    """The version of BusyBox in a program file, in its banner."""
    found = _VERSION.search(image)
    return (int(found[1]), int(found[2])) if found else None


def run_by_the_shell(version: Version) -> frozenset[str]:
    names = set(_ALWAYS)
    names |= _UNTIL_1_26 if version <= (1, 26) else set()
    names |= _UNTIL_1_17 if version <= (1, 17) else set()
    for since, added in _SINCE.items():
        names |= set(added.split()) if version >= since else set()
    return frozenset(names)


def switches(version: Version) -> tuple[str, ...]:
    """The options with which its shell does so."""
    if version < (1, 19):
        return ("FEATURE_SH_STANDALONE", "FEATURE_PREFER_APPLETS")
    return ("FEATURE_SH_NOFORK", "FEATURE_PREFER_APPLETS")


def removes_files(version: Version) -> str:
    """The command with which the shell itself removes a file; "" if it has none."""
    if version <= (1, 26):
        return "rm FILE"
    return "unlink FILE" if version >= (1, 28) else ""
