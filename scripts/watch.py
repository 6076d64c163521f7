"""Runs a collector in this terminal until Ctrl-C or for a given time; for `make run` and `make board-run`."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path


def fresh_folder(path: Path) -> Path:
    """The folder for the database of a run, empty."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def collect(folder: Path, links: list[str], seconds: float | None) -> int:
    """Collect from the links into a database in `folder`, print the status at the end; the collector's exit code."""
    buddywatch = [sys.executable, "-m", "buddywatch", "--db", str(folder / "buddywatch.db")]
    collector = subprocess.Popen([*buddywatch, "collect", *links])
    # The collector gets Ctrl-C as well; when it has ended, so does this script.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: collector.terminate())
    status = _wait(collector, seconds, [*buddywatch, "status"])
    print(status or "the collector ended unexpectedly", end="", flush=True)
    return collector.returncode


def _wait(collector: subprocess.Popen[bytes], seconds: float | None, status: list[str]) -> str:
    """The final `status`. It is read while the links are still up, if this script ends the collector."""
    try:
        collector.wait(seconds)
    except subprocess.TimeoutExpired:
        text = subprocess.run(status, check=False, stdout=subprocess.PIPE, text=True).stdout
        collector.terminate()
        collector.wait()
        return text
    return subprocess.run(status, check=False, stdout=subprocess.PIPE, text=True).stdout
