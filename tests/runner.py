"""Runs `buddywatch` for the tests of the command line: within this process, or as one of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buddywatch.cli import main

TOP = Path(__file__).resolve().parent.parent
ENV = {**os.environ, "PYTHONPATH": f"{TOP / 'host'}:{TOP / 'agent'}"}


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Runner:
    """db and config are named to every command; those of the user who runs the tests are never read."""

    def __init__(self, folder: Path, capsys: Any) -> None:
        self.db = folder / "buddywatch.db"
        self.config = folder / "config.toml"
        self.config.touch()
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        try:
            code = main(["--db", str(self.db), "--config", str(self.config), *arguments])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return Result(code, *self._capsys.readouterr())

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The command as a process, its outputs in pipes unless options say otherwise."""
        argv = [sys.executable, "-m", "buddywatch", "--db", str(self.db), "--config", str(self.config), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENV}
        return subprocess.Popen(argv, **{**pipes, **options})
