"""`make board-run`: boots an emulated board and watches it over its serial line and its network."""

from __future__ import annotations

import argparse
import sys

import rig
import watch
from buddywatch.commands.argument_types import duration

sys.path.insert(0, str(rig.TOP / "agent" / "board"))

import kind
import machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default=kind.DEFAULT, choices=kind.names(), help=f"default {kind.DEFAULT}")
    parser.add_argument("--flavour", help="the kernel, or what it runs on, as the board's machine.toml names them")
    parser.add_argument("--form", default="flat", choices=["flat", "elf"], help="the programs (default flat)")
    parser.add_argument("--for", dest="seconds", type=duration, help="end after so long, such as 30 or 10m")
    options = parser.parse_args()
    folder = watch.fresh_folder(rig.TOP / "build" / "board-run")
    flavour = options.flavour or kind.kind_named(options.board).default_flavour
    try:
        with machine.Machine(kind.out_of(options.board), flavour, options.form, agent_tty=True) as board:
            telnet = board.port(machine.TELNET_PORT)
            print("the board is on and boots, for 10 to 20 seconds; until then its telnet port resets connections")
            print(f"a shell on it: telnet 127.0.0.1 {board.port(machine.SHELL_PORT)}", flush=True)
            links = [f"serial://{board.agent_path}?baud=115200", f"telnet://127.0.0.1:{telnet}"]
            code = watch.collect(folder, links, options.seconds)
            is_on = board.is_on
    except machine.MachineError as error:
        print(f"board-run: {error}", file=sys.stderr)
        return 1
    if not is_on:
        print("board-run: the board switched itself off", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
