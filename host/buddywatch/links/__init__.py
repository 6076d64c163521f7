"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs."""

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.listen import Listener
from buddywatch.links.urls import TELNET_PORT, asks_proof, open_link

__all__ = ["TELNET_PORT", "Link", "LinkDown", "LinkError", "Listener", "asks_proof", "open_link"]
