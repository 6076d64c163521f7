"""The programs that a configuration names for messages: whether they can be started from here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from buddywatch.config.sections import Config
from buddywatch.text.escape import escaped


def wrong_programs(config: Config) -> Iterator[str]:
    """A line for each that cannot be started: section and key, as Problems.add() takes it, and why."""
    commands = [(f"[[hook]] #{number} command", hook.command) for number, hook in enumerate(config.hooks, 1)]
    if config.mail is not None and config.mail.command:
        commands.append(("[mail] command", config.mail.command))
    for where, command in commands:
        problem = _problem(command[0])
        if problem is not None:
            yield f"{where}: {escaped(command[0])} cannot be started: {problem}"


def _problem(program: str) -> str | None:
    """None also where it cannot be told: the collector may be another user, who may look."""
    if "/" not in program:
        import shutil  # loads all that packs archives

        return None if shutil.which(program) else "no folder of PATH has it; name it with its folder"
    try:
        mode = os.stat(program).st_mode
    except PermissionError:
        return None
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    if not stat.S_ISREG(mode):
        return "it is not a file"
    return None if os.access(program, os.X_OK) else "it is not executable; chmod +x makes it so"
