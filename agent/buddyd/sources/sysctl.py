"""Sysctls: files under /proc/sys. With --set some are written once after the start, and read again now and then."""

from .. import compat
from .kernel_messages import printable
from .procfile import ProcFile

_ENOENT = 2


def path_of(root, key):
    """The file of a key such as vm.nr_trim_pages. root: where /proc is, with a slash at its end; key: str.

    ValueError if the key would lead out of root/sys.
    """
    parts = key.replace(".", "/").split("/")
    if "" in parts or len(key) > 100:
        raise ValueError(key)
    return root + "sys/" + "/".join(parts)


def read(path):
    """The value (str). OSError; ValueError for an empty file."""
    folder, _, name = path.rpartition("/")
    file = ProcFile(folder + "/", name)
    try:
        return printable(file.first_line())
    finally:
        file.close()


def write(path, value):
    """Write a value (str), in one piece as the kernel expects. OSError; no new file is made."""
    if not compat.exists(path):
        raise OSError(_ENOENT, "")
    with open(path, "wb") as file:
        file.write((value + "\n").encode())


class Tuning:
    """What --set asks for, on one board. agent: agent.Agent. wanted: [(key, value)], str both."""

    def __init__(self, agent, wanted):
        self._agent = agent
        self._root = agent.sampler.system.root
        self._seen = []  # [key, value when it was looked at last] of those that could be set
        for key, value in wanted:
            self._set(key, value)
        agent.sampler.refresh()  # the hello has some of them
        agent.more_facts += (("set", ",".join(["%s=%s" % pair for pair in wanted])),)

    def _set(self, key, value):
        path = path_of(self._root, key)
        try:
            before = read(path)
            write(path, value)
            self._seen.append([key, read(path)])
        except (OSError, ValueError) as error:
            reason = compat.reason(error) if isinstance(error, OSError) else "it has no line"
            self._report("cannot set %s to %s: %s" % (key, value, reason))
            return
        self._report("set %s to %s; it was %s" % (key, self._seen[-1][1], before))

    def look(self):
        """Report what somebody else has changed since, once for each value."""
        for one in self._seen:
            try:
                value = read(path_of(self._root, one[0]))
            except (OSError, ValueError):
                continue
            if value != one[1]:
                self._report("%s was changed from %s to %s, not by buddyd" % (one[0], one[1], value))
                one[1] = value

    def _report(self, text):
        agent = self._agent
        agent.event(agent.sampler.uptime_cs(), "source", None, None, None, text)
