"""What the agent does for its board besides looking: the reserve, the watchdog, the black box. Each is off by default.

In: polls, the kernel's words about failures. Out: events and facts of the hello.
May touch: memory in whole blocks (--reserve), the device of a watchdog (--watchdog), one file (--blackbox).

A guard has: name; polled(), called after each poll that took a sample; failed(found), called for each of the kernel's
lines about a failure, as kernel_messages.parse() gives them; status(), a line of the state; end(), when a person or
the boot script ends the agent.
"""

from .. import say


def made(settings, agent):
    """What --blackbox, --reserve and --watchdog ask for, a tuple. The last is fed when the others have done theirs."""
    guards = []
    if settings["blackbox"]:
        from .blackbox import BlackBox

        guards.append(BlackBox(agent, settings["blackbox"]))
    if settings["reserve"]:
        system = agent.sampler.system
        if system.no_mmu and system.page_bytes:
            from .reserve import Reserve

            guards.append(Reserve(agent, settings["reserve"], settings["reserve-auto"]))
        else:
            say(
                "no reserve: %s"
                % ("with an MMU no start needs one" if system.page_bytes else "the page size is unknown")
            )
    if settings["watchdog"]:
        from .watchdog import Watchdog

        guards.append(Watchdog(agent, settings["watchdog"]))
    return tuple(guards)
