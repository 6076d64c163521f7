"""The files that a configuration names: whether they are there, and whether those that hold secrets are kept secret."""

from __future__ import annotations

import stat
from pathlib import Path

from buddywatch.config.secret_files import exposure
from buddywatch.config.toml import Problems

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
    elif name in _SECRET and (exposed := exposure(path, mode)) is not None:
        problems.add(f"{where} {name}: {exposed}")
