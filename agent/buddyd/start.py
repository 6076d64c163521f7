"""From the arguments to a loop with open links. Code that only the start needs is here; it is unloaded afterwards.

SystemExit if the agent does not run: after help, after --once, or after a line that says why.
"""

import binascii
import gc
import sys

from . import NO_LINK, NOTHING_TO_READ, STOPPED, USAGE, compat, const, forget, say
from .ring import Ring

_NAME_CHARS = const(64)
_NAME = const("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def loop_from(arguments):
    """The loop with its links, at least one of them open."""
    settings = settings_from(arguments)
    # First, while the heap is in one piece: the ring is the largest object, and it stays.
    try:
        ring = Ring(settings["ring"])
    except MemoryError:
        end(
            USAGE,
            "no room for a ring of %d bytes; give a smaller --ring or a larger heap (-X heapsize=)" % settings["ring"],
        )
    gc.collect()
    agent = agent_from(settings, ring)
    if settings["once"]:
        from .talk import answers

        agent.poll()
        show(answers.status(agent))
    compat.stop_on_signals()
    return open_links(settings, agent)


def end(exit_code, text):
    """End the agent with a line for the user."""
    say(text)
    sys.exit(exit_code)


def show(lines):
    """Print lines, and end the agent."""
    try:
        for line in lines:
            print(line)
        if hasattr(sys.stdout, "flush"):  # MicroPython's has none
            sys.stdout.flush()
    except OSError as error:
        end(NO_LINK, "the output cannot be written: %s" % compat.reason(error))
    sys.exit(STOPPED)


def settings_from(arguments):
    """The settings; shows the help if it is requested."""
    from . import options

    try:
        settings = options.load(arguments)
        if settings["help"]:
            show((options.usage(),))
        if not settings["once"] and not [name for name in options.LINKS if settings[name]]:
            raise ValueError("no link given: %s; see --help" % options.links_in_words())
    except ValueError as error:
        end(USAGE, str(error))
    forget("buddyd", "options")
    return settings


def agent_from(settings, ring):
    """The agent with its sources."""
    from .agent import Agent
    from .sample import Sampler
    from .sources.kmsg import KernelLog

    gc.collect()
    try:
        sampler = Sampler(settings["proc"])
    except (OSError, ValueError) as error:
        reason = compat.reason(error) if isinstance(error, OSError) else str(error)
        end(
            NOTHING_TO_READ,
            "%s/buddyinfo: %s; give the place of a /proc that has it with --proc" % (settings["proc"], reason),
        )
    if not (sampler.system.no_mmu and sampler.system.page_bytes):
        settings["map_ms"] = 0  # with an MMU, a program's addresses are not those of the memory
    name, boot = board_name(settings["proc"], settings["name"]), new_boot_id(settings["proc"])
    agent = Agent(settings, sampler, KernelLog(settings["proc"]), ring, name, boot)
    if settings["allow"]:
        from .actions.commands import Commands

        agent.commands = Commands(agent, settings["allow"])
    if settings["set"] and not settings["once"]:
        from .sources.sysctl import Tuning

        agent.tuning = Tuning(agent, settings["set"])
    if (settings["reserve"] or settings["watchdog"] or settings["blackbox"]) and not settings["once"]:
        from . import guard

        agent.guards = guard.made(settings, agent)
    return agent


def new_boot_id(proc):
    """8 hex digits for this run of the agent, as str.

    Random, and mixed with values that differ between boots: a board without an entropy source may give the same random
    bytes after every power-on.
    """
    mixed = binascii.crc32(compat.random_bytes(8), compat.ticks_us() & 0xFFFF)
    for name in ("/uptime", "/stat", "/interrupts", "/self/stat"):
        try:
            with open(proc + name, "rb") as file:
                mixed = binascii.crc32(file.read(512), mixed)
        except OSError:
            continue
    return "%08x" % mixed


def board_name(proc, given):
    """The board's name: as given, else the host name, else board. At most 64 characters of A-Z a-z 0-9 . _ -"""
    if not given:
        from .sources.kernel_messages import printable
        from .sources.procfile import ProcFile

        file = ProcFile(proc, "/sys/kernel/hostname")
        try:
            given = printable(file.first_line())
        except (OSError, ValueError):
            given = ""
        file.close()
        given = "" if given == "(none)" else given  # UTS_NODENAME: no host name was set
    # By bytes: MicroPython does not check that an argument is UTF-8, and raises when its characters are read.
    raw = given.encode("utf-8", "surrogateescape")[:_NAME_CHARS]
    return "".join([chr(byte) if chr(byte) in _NAME else "-" for byte in raw]) or "board"


def open_links(settings, agent):
    """The loop with all configured links; those that cannot be opened now are tried again later."""
    from .loop import Loop

    loop = Loop(agent, settings["interval_ms"])
    loop.links = links_from(settings, agent, loop)
    # The poller's tables grow to their full size now, while the heap has room; such high descriptors are never open.
    count = 2 + sum([1 + len(link.conversations) for link in loop.links])
    for descriptor in range(1000, 1000 + count):
        loop.poller.register(descriptor, 0)
    for descriptor in range(1000, 1000 + count):
        loop.poller.unregister(descriptor)
    links, failures = list(loop.links), []
    for link in links:
        try:
            link.open()
        except OSError as error:
            failures.append("%s: %s" % (link.label, compat.reason(error)))
            link.lost()
    if len(failures) == len(links):
        end(NO_LINK, "no link could be opened; " + "; ".join(failures))
    for failure in failures:
        say(failure + "; tried again later")
    if agent.kernel_log.file is not None and agent.kernel_log.pollable:
        loop.watch_kernel_log(agent.kernel_log.file.fileno())
    say(effective(agent))
    return loop


def effective(agent):
    """The settings in effect, in a line."""
    return "%s: %d zones, every %d ms, ring %d bytes, missing: %s" % (
        agent.name,
        len(agent.sampler.zones),
        agent.interval_ms,
        agent.ring.size_bytes,
        ", ".join(agent.missing()) or "nothing",
    )


def links_from(settings, agent, loop):
    """The configured links; none of them is open yet."""
    from .links.base import Link
    from .talk.conversation import Conversation

    links = []
    serial, console = settings["serial"], settings["console"]
    telnet, connect = settings["telnet"], settings["connect"]
    # Modules for one kind of link are imported only for that kind: it saves 2 kB of heap on a serial line.
    if serial:
        from .links.serial import open_serial

        links.append(Link(loop, "serial %s" % serial[0], Conversation(agent, True), open_serial, serial))
    if console:
        from .links.console import Console

        links.append(Console(agent, loop, console))
    if (telnet or connect) and agent.secret is not None:
        from .talk import gate  # noqa: F401  # 2 kB of heap, needed only with a secret: now, not when a client connects
    if telnet:
        from .links.telnet_server import Telnet

        links.append(Telnet(agent, loop, telnet))
    if connect:
        from .links.dial import connect as dialled

        links.append(dialled(agent, loop, connect))
    if settings["stdout"]:
        links.append(Link(loop, "standard output", Conversation(agent, True), compat.open_output, 1))
        links[-1].conversations[0].reads = False
    return links
