"""Settings, self-test, loop. Exit codes: 0 stopped by request, 2 usage or settings, 3 nothing to read, 4 no link."""

import gc
import sys

from . import compat
from .ring import Ring

STOPPED, USAGE, NOTHING_TO_READ, NO_LINK = 0, 2, 3, 4


def say(text):
    """One line on standard error."""
    sys.stderr.write("buddyd: %s\n" % text)


def main(arguments):
    """Run the agent; the exit code."""
    compat.collect_every(1024)
    try:
        settings = settings_from(arguments)
    except ValueError as error:
        say(str(error))
        return USAGE
    if settings is None:
        from . import options

        return show((options.usage(),))
    # First of all, while the heap is in one piece: the ring is the largest object, and it stays.
    try:
        ring = Ring(settings["ring"])
    except MemoryError:
        say("no room for a ring of %d bytes; give a smaller --ring or a larger heap (-X heapsize=)" % settings["ring"])
        return USAGE
    gc.collect()
    try:
        return run(settings, ring)
    except KeyboardInterrupt:
        return STOPPED
    except MemoryError:
        say("the heap is too small; give a smaller --ring or a larger heap (-X heapsize=)")
        return USAGE


def show(lines):
    """Print lines; the exit code."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except (AttributeError, OSError) as error:  # MicroPython's stdout has no flush()
        if isinstance(error, OSError):
            say("the output cannot be written: %s" % compat.reason(error))
            return NO_LINK
    return STOPPED


def settings_from(arguments):
    """The settings, None when the user asked for help only; ValueError with a line for the user."""
    from . import options

    settings = options.load(arguments)
    if settings["help"]:
        return None
    if not settings["once"] and not [name for name in options.LINKS if settings[name]]:
        raise ValueError("no link given: %s; see --help" % options.links_in_words())
    # It is not needed again, and would keep 1.2 kB of heap.
    del sys.modules["buddyd.options"], sys.modules["buddyd"].options
    return settings


def run(settings, ring):
    """The agent with valid settings and its ring."""
    from .agent import Agent
    from .sample import Sampler
    from .sources.kmsg import KernelLog

    gc.collect()
    try:
        sampler = Sampler(settings["proc"])
    except (OSError, ValueError) as error:
        reason = compat.reason(error) if isinstance(error, OSError) else str(error)
        say("%s/buddyinfo: %s; give the place of a /proc that has it with --proc" % (settings["proc"], reason))
        return NOTHING_TO_READ
    agent = Agent(settings, sampler, KernelLog(settings["proc"]), ring)
    if settings["once"]:
        from .talk import answers

        agent.poll()
        return show(answers.status(agent))
    return stream(settings, agent)


def stream(settings, agent):
    """Open the links and poll until told to stop."""
    from .loop import Loop

    compat.stop_on_signals()
    loop = Loop(agent, settings["interval_ms"])
    loop.links = links_from(settings, agent, loop)
    # The poller's tables grow to their size while the heap has room; descriptors as high as these are never open.
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
        say("no link could be opened; " + "; ".join(failures))
        return NO_LINK
    for failure in failures:
        say(failure + "; tried again later")
    if agent.kernel_log.file is not None and agent.kernel_log.pollable:
        loop.watch_kernel_log(agent.kernel_log.file.fileno())
    say(agent.effective())
    settings.clear()  # 0.4 kB of heap
    gc.collect()
    compat.collect_every(-1)  # from here on only when it is full
    loop.run()
    say("no link is left: standard output is closed")
    return NO_LINK


def links_from(settings, agent, loop):
    """The links that the settings ask for; none of them is open yet."""
    from .links.base import Link
    from .talk.conversation import Conversation

    links = []
    serial, console = settings["serial"], settings["console"]
    telnet, connect = settings["telnet"], settings["connect"]
    # What serves one way out only is imported for it alone: a serial line does without 2 kB of heap.
    if serial:
        from .links.serial import open_serial

        links.append(Link(loop, "serial %s" % serial[0], Conversation(agent, True), open_serial, serial))
    if console:
        from .links.console import Console

        links.append(Console(agent, loop, console))
    if (telnet or connect) and agent.secret is not None:
        from .talk import gate  # noqa: F401  # 2 kB of heap that only a secret is worth: now, not when somebody comes
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
