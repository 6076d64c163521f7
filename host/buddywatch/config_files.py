"""The files that a configuration names: whether they are there, and whether those that hold secrets are kept secret."""

from __future__ import annotations

import stat
from pathlib import Path

from buddywatch.config_reader import Problems

_SECRET = ("password_file", "secret_file")


def check_file(where: str, name: str, path: Path, problems: Problems) -> None:
    """Add what is wrong with the file that the key `name` names."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return  # another user's secret: `status` does not need it, and who does is told so when it is read
    except OSError as error:
        problems.add(f"{where} {name}: {path} cannot be read ({error.strerror})")
        return
    if not stat.S_ISREG(mode):
        problems.add(f"{where} {name}: {path} is not a file")
    elif name in _SECRET and mode & 0o007:
        # A group may read it: services often have their secrets as root:service 0640, systemd as 0440.
        problems.add(f"{where} {name}: everybody may use {path} (mode {mode & 0o777:04o}); run: chmod 600 {path}")
