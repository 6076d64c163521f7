"""The answer to `about`."""

from .. import VERSION, compat


def about(agent):
    """Yield what this is, and what it will not do."""
    yield "buddyd %s (%s) on %s." % (VERSION, compat.IMPLEMENTATION, agent.name)
    yield "It is the agent of buddywatch: every few seconds it reads the free memory"
    yield "blocks of this kernel, and keeps them for a collector. It starts no process,"
    yield "takes no more memory than at its start, and knows no other words than those of"
    yield "help. It changes nothing here and writes no file, unless a collector that has"
    yield "proven a secret asks for it, and it was started with --allow."
    yield "More: agent/README.md and agent/PROTOCOL.md of buddywatch."
