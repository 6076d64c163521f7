"""Texts for kernel errors. Imported when there is one to report."""

# MicroPython's OSError has no text; these are the errors that users see. -2: compat.UNRESOLVED; 38: ENOSYS, of compat.
_REASONS = (
    (-2, "the name could not be resolved at the start; give an address"),
    (1, "not permitted"),
    (2, "no such file or device"),
    (5, "input/output error"),
    (6, "no such device"),
    (13, "permission denied"),
    (16, "in use"),
    (20, "a part of this path is a file; expected a folder"),
    (21, "a folder; expected a file"),
    (25, "not a serial line"),
    (28, "no space left on device"),
    (32, "nobody reads it any more"),
    (38, "this interpreter can only wait for it; one with ffi, or as in agent/micropython, does not"),
    (98, "address already in use"),
    (99, "address not available on this machine"),
    (111, "connection refused"),
    (113, "no route to host"),
)


def words(error):
    """The text of an OSError."""
    for number, text in _REASONS:
        if error.errno == number:
            return text
    return getattr(error, "strerror", None) or "error %s" % error.errno
