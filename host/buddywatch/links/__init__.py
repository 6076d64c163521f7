"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs.

In: URLs, and what their devices and sockets deliver. Out: items of the protocol, with the link they came over.
May touch: sockets, terminals and recorded files, never blocking; secrets through the configuration.
"""

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.listen import Listener
from buddywatch.links.urls import TELNET_PORT, asks_proof, open_link

__all__ = ["TELNET_PORT", "Link", "LinkDown", "LinkError", "Listener", "asks_proof", "open_link"]
