"""The system calls of the agent's own commands, imported for them; agent/micropython/modules/syscalls describes each.

In: paths as bytes, descriptors. Out: OSError where a call fails; ENOSYS for each call that this interpreter lacks.
"""

from . import MICROPYTHON

_ENOSYS = 38


class Missing:
    """Stands for the module where the interpreter has neither `syscalls` nor ffi: every call of it is missing."""

    def __getattr__(self, name):
        raise OSError(_ENOSYS, "")


if MICROPYTHON:
    try:
        import syscalls as calls
    except ImportError:
        try:
            from . import calls_by_ffi as calls
        except ImportError:
            calls = Missing()
else:
    from . import calls_cpython as calls  # exported by this module


def words(error):
    """The text of an OSError, as the C library has it: BusyBox prints that."""
    if error.errno == _ENOSYS:
        return "not there in this interpreter; use one with ffi, or as in agent/micropython"
    try:
        return calls.strerror(error.errno)
    except OSError:
        return "error %d" % error.errno
