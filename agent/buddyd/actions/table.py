"""Which commands there are, what each needs to be allowed, and where it is."""

from .. import forget
from . import Wrong

FILES, PROCESSES, TUNING, REBOOT = "files", "processes", "tuning", "reboot"
# (name, what --allow must name, the module with its function)
COMMANDS = (
    ("ls", FILES, "look"),
    ("cat", FILES, "look"),
    ("head", FILES, "look"),
    ("tail", FILES, "look"),
    ("df", FILES, "space"),
    ("du", FILES, "space"),
    ("mount", FILES, "space"),
    ("rm", FILES, "remove"),
    ("rmdir", FILES, "remove"),
    ("mkdir", FILES, "change"),
    ("mv", FILES, "change"),
    ("cp", FILES, "change"),
    ("truncate", FILES, "change"),
    ("write", FILES, "change"),
    ("sync", FILES, "change"),
    ("get", FILES, "transfer"),
    ("put-state", FILES, "transfer"),
    ("put-at", FILES, "transfer"),
    ("put-end", FILES, "transfer"),
    ("ps", PROCESSES, "processes"),
    ("kill", PROCESSES, "processes"),
    ("free", TUNING, "tune"),
    ("sysctl", TUNING, "tune"),
    ("drop-caches", TUNING, "tune"),
    ("release", TUNING, "tune"),
    ("reboot", REBOOT, "tune"),
)
MODULES = ("look", "space", "remove", "change", "transfer", "processes", "tune", "paths", "words")


def start(agent, name, words):
    """The generator that does a command. name: str; words: bytes each. Wrong.

    It yields bytes for the output, str for a line that reports a failure, None after each step in between.
    """
    for known, kind, module in COMMANDS:
        if known == name:
            if kind not in agent.commands.allowed:
                raise Wrong("%s: not allowed on this board; start buddyd with --allow %s" % (name, kind))
            return getattr(_module(module), name.replace("-", "_"))(agent, words)
    raise Wrong("%s: applet not found" % name)


def _module(name):
    if name == "look":
        from . import look as module
    elif name == "space":
        from . import space as module
    elif name == "remove":
        from . import remove as module
    elif name == "change":
        from . import change as module
    elif name == "transfer":
        from . import transfer as module
    elif name == "processes":
        from . import processes as module
    else:
        from . import tune as module
    return module


def unload():
    """Free the heap of the commands' code."""
    for name in MODULES:
        forget("buddyd.actions", name)
    for name in ("calls", "calls_by_ffi"):
        forget("buddyd.compat", name)
    forget("buddyd.sources", "sysctl")
