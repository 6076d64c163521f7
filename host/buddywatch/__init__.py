"""The host side of buddywatch: collects what boards send, judges it and warns."""

__version__ = "0.1.0"
