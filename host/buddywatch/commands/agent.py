"""`buddywatch agent --out DIR [--force]`: writes what goes on a board: buddyd as source and compiled.

Both come with an installed buddywatch: the source because the host uses some of it, the compiled files from
scripts/wheel. The folders are those of `make agent`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.config.sections import Config

AGENT = "buddyd"
COMPILED = Path(__file__).resolve().parent.parent / "mpy" / AGENT
_NO_COMPILED = "no .mpy files are in this installation; `make agent` in the repository makes them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="gets py/buddyd and mpy/buddyd")
    parser.add_argument("--force", action="store_true", help="replace these two folders if they are there")


def run(args: argparse.Namespace, config: Config) -> int:
    forms = {form: folder for form, folder in _forms().items() if folder.is_dir()}
    targets = {form: args.out / form / AGENT for form in _forms()}
    for target in targets.values():
        if target.exists() and not args.force:
            raise CommandError(f"{target}: is there already, and stays as it is; --force replaces it")
    args.out.mkdir(parents=True, exist_ok=True)
    for form, target in targets.items():
        _replace(target, forms.get(form), form)
    sizes = [f"{_bytes(targets[form])} bytes as .{form}" for form in forms]
    print(f"{args.out}: buddyd {', '.join(sizes)}{'' if 'mpy' in forms else f'; {_NO_COMPILED}'}")
    print(f"next: copy {targets[list(forms)[-1]]} to the board")
    return 0


def _forms() -> dict[str, Path]:
    """Where this installation has the agent, by the ending of its files."""
    found = find_spec(AGENT)
    if found is None or not found.submodule_search_locations:
        raise CommandError(f"this installation is damaged: it has no {AGENT}; install buddywatch again")
    return {"py": Path(found.submodule_search_locations[0]), "mpy": COMPILED}


def _replace(target: Path, source: Path | None, form: str) -> None:
    """All files of the source or what was there: a folder with half of the agent must not go on a board."""
    with tempfile.TemporaryDirectory(prefix=".agent-", dir=target.parent.parent) as work:
        new, old = Path(work) / "new", Path(work) / "old"
        if source is not None:
            for file in sorted(source.rglob(f"*.{form}")):
                copy = new / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        if target.exists():
            target.rename(old)
        if source is not None:
            target.parent.mkdir(exist_ok=True)
            new.rename(target)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
