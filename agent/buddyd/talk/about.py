"""The answer to `about`."""

from .. import VERSION, compat


def about(agent):
    """Yield what this is, and what it will not do."""
    yield "buddyd %s (%s) on %s." % (VERSION, compat.IMPLEMENTATION, agent.name)
    yield "It is the agent of buddywatch: every few seconds it reads the free memory"
    yield "blocks of this kernel, and keeps them for a collector. It starts no process,"
    yield "takes no more memory than at its start, and knows no other words than those of"
    yield "help. It changes nothing here and writes no file, unless it was started with an"
    yield "option for that: --allow, --set, --reserve, --watchdog or --blackbox."
    yield "More: agent/README.md and agent/PROTOCOL.md of buddywatch."
