"""Checks the files that a configuration names: that they exist, and that secret files are private."""

import stat
from pathlib import Path

from buddywatch.config.kinds import SECRET_FILE, Kind
from buddywatch.config.problems import Problems
from buddywatch.config.secret_places import exposure


def check_file(where: str, path: Path, kind: Kind, problems: Problems) -> None:
    """Add the problem of a file, if it has one. where: section and key that name it."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return  # it belongs to another user; a command that needs it reports that when it reads it
    except OSError as error:
        problems.add(f"{where}: {path} cannot be read ({error.strerror})")
        return
    if not stat.S_ISREG(mode):
        problems.add(f"{where}: {path} is not a file")
    elif kind is SECRET_FILE and (exposed := exposure(path, mode)) is not None:
        problems.add(f"{where}: {exposed}")
