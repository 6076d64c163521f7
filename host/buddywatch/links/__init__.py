"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs."""

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.listen import Listener
from buddywatch.links.urls import open_link

__all__ = ["Link", "LinkDown", "LinkError", "Listener", "open_link"]
