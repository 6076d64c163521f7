"""free, sysctl, drop-caches and reboot."""

from ..compat.calls import calls
from ..sources.kernel_messages import printable
from ..sources.procfile import ProcFile
from . import Wrong
from .paths import Created, failed, kind_of
from .words import need, options

_ROWS = (b"MemTotal:", b"MemFree:", b"Buffers:", b"Cached:")


def free(agent, words):
    """In units of 1024 bytes, from /proc/meminfo."""
    need("free", words, 0, "", 0)
    kb = [0] * len(_ROWS)

    def take(line):
        for i in range(len(_ROWS)):
            if line.startswith(_ROWS[i]):
                kb[i] = int(line.split()[1])

    file = ProcFile(agent.sampler.system.root, "meminfo")
    try:
        file.lines(take)
    except OSError as error:
        yield failed("free", error, b"meminfo")
        return
    finally:
        file.close()
    yield b"              total        used        free     buffers      cached\n"
    yield b"Mem:   %12d%12d%12d%12d%12d\n" % (kb[0], kb[0] - kb[1], kb[1], kb[2], kb[3])


def _key_path(agent, key):
    """The file of a key such as vm.nr_trim_pages. Wrong if the key would lead out of /proc/sys."""
    parts = key.replace(b".", b"/").split(b"/")
    if not key or b"" in parts or len(key) > 100:
        raise Wrong("sysctl: '%s' is no key" % printable(key[:60]))
    return agent.sampler.system.root.encode() + b"sys/" + b"/".join(parts)


def sysctl(agent, words):
    """`sysctl KEY...` shows, `sysctl -w KEY=VALUE...` sets."""
    found, words = options("sysctl", words, "w")
    need("sysctl", words, 1, "[-w] KEY[=VALUE]...")
    for word in words:
        key, equals, value = word.partition(b"=")
        key, path = key.strip(), _key_path(agent, key.strip())
        if not equals and "w" in found:
            raise Wrong("sysctl: expected KEY=VALUE with -w")
        try:
            if equals:
                set_key(path, value.strip())
            yield key + b" = " + _value(path) + b"\n"
        except (OSError, ValueError) as error:
            what = "error %s key '%%s'" % ("setting" if equals else "reading")
            if isinstance(error, OSError):
                yield failed("sysctl", error, key, what)
            else:
                yield "sysctl: %s: it has no line" % (what % printable(key))
        yield None


def set_key(path, value):
    """Write a value to a file of /proc/sys, in one piece as the kernel expects. OSError; no new one is made."""
    if kind_of(path) == 0:
        raise OSError(2, "")
    out = Created(path, 1)
    try:
        out.write(value + b"\n")
    finally:
        out.close()


def _value(path):
    folder, _, name = path.rpartition(b"/")
    file = ProcFile(str(folder, "utf-8") + "/", str(name, "utf-8"))
    try:
        return file.first_line()
    finally:
        file.close()


def drop_caches(agent, words):
    """`drop-caches [1|2|3]`: page cache, dentries and inodes, both (the default)."""
    need("drop-caches", words, 0, "[1|2|3]", 1)
    level = words[0] if words else b"3"
    if level not in (b"1", b"2", b"3"):
        raise Wrong("Usage: drop-caches [1|2|3]")
    path = agent.sampler.system.root.encode() + b"sys/vm/drop_caches"
    try:
        set_key(path, level)
    except OSError as error:
        yield failed("drop-caches", error, path)
    yield None


def reboot(agent, words):
    """Init is asked, as BusyBox does; -f: sync(2), and reboot(2) at once."""
    found, words = options("reboot", words, "f")
    need("reboot", words, 0, "[-f]", 0)
    yield from agent.commands.desk.last_words(b"rebooting\n")
    try:
        if "f" in found:
            calls.sync()
            calls.reboot()
        else:
            calls.kill(1, 15)
    except OSError as error:
        yield failed("reboot", error)
