"""Writes the manual pages and the shell completion into a folder `share`, as they are installed: pages.py SHARE."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "agent"), str(TOP / "host")]
os.environ["COLUMNS"] = "10000"  # usage lines are not wrapped; man wraps them

import completion  # noqa: E402
import manual  # noqa: E402
from buddywatch import __version__  # noqa: E402
from buddywatch.cli import build_parser  # noqa: E402
from options import read  # noqa: E402


def main(share: Path) -> None:
    program, commands = read(build_parser())
    pages = {"man5/buddywatch-config.5": manual.config_page(__version__)}
    pages["man1/buddywatch.1"] = manual.program_page(program, commands, __version__)
    for summary, command in commands:
        page = manual.command_page(summary, command, program, __version__)
        pages[f"man1/buddywatch-{command.name}.1"] = page
    files = {f"man/{name}": page for name, page in pages.items()}
    files["bash-completion/completions/buddywatch"] = completion.script(program, [command for _, command in commands])
    for name, content in files.items():
        path = share / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
