"""The agent: watches the free blocks of the kernel it runs on and streams them."""

VERSION = "0.1.0"


def const(value):
    """MicroPython's compiler puts the value of `_NAME = const(...)` where the name stands, so that it takes no heap."""
    return value
