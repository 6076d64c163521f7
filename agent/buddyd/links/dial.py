"""A connection that the agent opens to a collector."""

from .. import compat
from .network import NetworkConversation, NetworkLink
from .telnet_filter import TelnetFilter


def resolve(target):
    """The address of (host, port), None if there is none. Once, at the start: a resolver that hangs delays polls."""
    try:
        return compat.address(target[0], target[1])
    except OSError:
        return None


def dial(address):
    """A connection that is being opened to an address of resolve()."""
    if address is None:
        raise OSError(compat.UNRESOLVED, "")
    stream = compat.connect(address)
    try:
        compat.keep_alive(stream)
    except OSError:
        stream.close()
        raise
    return stream


def connect(agent, loop, target):
    """The link that dials (host, port)."""
    return NetworkLink(
        loop, "connect %s:%d" % target, NetworkConversation(agent, False), dial, resolve(target), TelnetFilter
    )
