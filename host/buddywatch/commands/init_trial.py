"""`buddywatch init` tries what it wrote: a collector of its own until the board's first snapshot, and a test mail."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from buddywatch.config.load import load
from buddywatch.config.sections import Config
from buddywatch.store.store import Store, StoreError
from buddywatch.terminal.overview import Overview, overview
from buddywatch.text.escape import escaped, one_line
from buddywatch.text.state_words import kernel_words, memory_words, need_title, need_words

WAIT_S = 60.0  # a login by telnet and the check of its shell take up to 20 s on a slow board
_LOOK_S = 0.2
_END_S = 10.0


class TrialError(Exception):
    """Why the board did not answer, in one line."""


def try_board(text: str) -> list[str]:
    """What the board said, in lines. TrialError. text: a configuration with its link, without mail."""
    with tempfile.TemporaryDirectory(prefix="buddywatch-init-") as folder:
        path = Path(folder) / "config.toml"
        path.write_text(text, encoding="utf-8")
        db = Path(folder) / "trial.db"
        with _collector(path, db) as process:
            return _board_lines(_first(process, db, load(path, os.environ)))


@contextmanager
def _collector(config: Path, db: Path) -> Iterator[subprocess.Popen[str]]:
    """`buddywatch collect` as it will run later. It ends with the block."""
    argv = [sys.executable, "-P", "-m", "buddywatch", "--config", str(config), "--db", str(db), "collect", "--plain"]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _first(process: subprocess.Popen[str], db: Path, config: Config) -> Overview:
    """The board, as soon as there is a snapshot of it. TrialError."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise TrialError(one_line(process.communicate()[1] or "the collector has ended"))
        try:
            found = _look(db, config)
        except StoreError:
            found = None  # it is being made
        if found is not None:
            return found
        time.sleep(_LOOK_S)
    raise TrialError(f"nothing came from the board within {WAIT_S:.0f} s")


def _look(db: Path, config: Config) -> Overview | None:
    with Store.open_readonly(db) as store:
        for name in store.boards():
            if store.latest(name) is not None:
                return overview(store, config, name, time.time())
        errors = [link.last_error for link in store.unheard_links() if link.last_error and not link.is_up]
    if errors:
        raise TrialError(errors[0])
    return None


def _board_lines(board: Overview) -> list[str]:
    facts = board.boot.facts if board.boot else {}
    lines = [f"{escaped(board.name)}: {kernel_words(facts)}"]
    if board.state is None:
        return lines
    state, snapshot = board.state, board.current_snapshot
    needs = [f"{need_title(need, state)}: {need_words(need, snapshot, state)}" for need in state.needs]
    return [*lines, *(f"  {line}" for line in (memory_words(state), *needs))]
