"""free, sysctl, drop-caches, release and reboot."""

from ..compat.calls import calls
from ..sources import sysctl as keys
from ..sources.kernel_messages import printable
from ..sources.procfile import ProcFile
from . import Wrong
from .paths import failed
from .words import need, number, options

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


def sysctl(agent, words):
    """`sysctl KEY...` shows, `sysctl -w KEY=VALUE...` sets."""
    found, words = options("sysctl", words, "w")
    need("sysctl", words, 1, "[-w] KEY[=VALUE]...")
    root = agent.sampler.system.root
    for word in words:
        key, equals, value = printable(word).partition("=")
        key = key.strip()
        if not equals and "w" in found:
            raise Wrong("sysctl: expected KEY=VALUE with -w")
        try:
            path = keys.path_of(root, key)
        except ValueError:
            raise Wrong("sysctl: '%s' is no key" % key[:60])
        phrase = "error %s key '%%s'" % ("setting" if equals else "reading")
        try:
            if equals:
                keys.write(path, value.strip())
            yield ("%s = %s\n" % (key, keys.read(path))).encode()
        except OSError as error:
            yield failed("sysctl", error, key.encode(), phrase)
        except ValueError:
            yield "sysctl: %s: it has no line" % (phrase % key)
        yield None


def drop_caches(agent, words):
    """`drop-caches [1|2|3]`: page cache, dentries and inodes, both (the default)."""
    need("drop-caches", words, 0, "[1|2|3]", 1)
    level = words[0] if words else b"3"
    if level not in (b"1", b"2", b"3"):
        raise Wrong("Usage: drop-caches [1|2|3]")
    path = keys.path_of(agent.sampler.system.root, "vm.drop_caches")
    try:
        keys.write(path, str(level, "ascii"))
    except OSError as error:
        yield failed("drop-caches", error, path.encode())
    yield None


def release(agent, words):
    """`release [-a] [SIZE]`: the smallest block of the reserve that has SIZE, or all, back to the kernel."""
    found, words = options("release", words, "a")
    need("release", words, 0, "[-a] [SIZE]", 1)
    size_bytes = number("release", words[0]) if words else 0
    reserves = [guard for guard in agent.guards if guard.name == "reserve"]
    if not reserves:
        raise Wrong("release: there is no reserve; start buddyd with --reserve")
    block = reserves[0].fitting(size_bytes)
    if block is None:
        raise Wrong("release: no such block is held: %s" % reserves[0].words())
    while block is not None:
        try:
            yield reserves[0].give(block, "as it was asked for").encode() + b"\n"
        except OSError as error:
            yield failed("release", error)
        block = reserves[0].fitting(size_bytes) if "a" in found else None


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
