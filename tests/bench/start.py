"""Processor time from the start of each command to its help: python tests/bench/start.py

That is what every run of a command takes before it does anything: Python's own start, the modules, the options. It is
the least of some tries, as other programs use the machine, too. Beside them stands a Python that does nothing.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host")]

from buddywatch.cli import COMMANDS  # noqa: E402

TRIES = 7
AIM_MS = 120
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPATH": f"{TOP / 'host'}:{TOP / 'agent'}"
}


def cpu_ms(arguments: list[str]) -> float:
    """The least processor time of a process of Python, in ms."""
    found = []
    for _ in range(TRIES):
        before = _spent_s()
        subprocess.run([sys.executable, *arguments], env=ENV, stdout=subprocess.DEVNULL, check=True)
        found.append(_spent_s() - before)
    return 1000 * min(found)


def _spent_s() -> float:
    """By processes that have ended. os.times() has it in hundredths of a second only."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table() -> list[str]:
    bare = cpu_ms(["-c", "pass"])
    lines = ["| command | CPU | of a bare Python |", "|---|---|---|", f"| `python -c pass` | {bare:.0f} ms | 1.0 |"]
    measured = {command: cpu_ms(["-m", "buddywatch", command, "--help"]) for command in COMMANDS}
    for command, spent_ms in sorted(measured.items(), key=lambda item: -item[1]):
        lines.append(f"| `buddywatch {command}` | {spent_ms:.0f} ms | {spent_ms / bare:.1f} |")
    above = [command for command, spent_ms in measured.items() if spent_ms > AIM_MS]
    return [*lines, "", f"above {AIM_MS} ms: {', '.join(above) or 'none'}"]


if __name__ == "__main__":
    print("\n".join(table()))
