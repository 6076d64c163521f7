"""Files of /proc that hold a bare value, which only their name explains."""

from pathlib import Path

_NAMES = ("min_free_kbytes", "nr_trim_pages", "min_free_order_shift", "osrelease")


def named(path: str, text: str) -> str:
    """The text of a file; that of such a one with its name, as `sysctl` prints it."""
    name = Path(path).name
    return f"{name} = {text}" if name in _NAMES else text
