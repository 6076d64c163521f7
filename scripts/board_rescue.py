"""`make board-rescue`: no `rm` starts any more on the emulated board; the agent removes the file, and makes room.

Programs that were left behind hold whole blocks of 64 kB. Between them others held 60 kB, and a file in RAM got the
page that each of those gave back; they have ended, and their blocks cannot join. So the kernel refuses to start `rm`,
which needs 61440 bytes, with megabytes free. Then all is done through the collector: `run rm`, `run ps`, `map`,
`run kill`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rig
import watch

sys.path.insert(0, str(rig.TOP / "agent" / "board"))

import machine

FILE, OTHER_FILE = "/tmp/results.log", "/tmp/older.log"
CHILD = "start-64k"  # holds a whole block of 64 kB for as long as it lives
GUEST = "start-60k"  # gives the last page of its block back (nr_trim_pages), and ends
CHILDREN_MAX = 90
BLOCK_ORDER = 4  # of 64 kB
# So many blocks are left to the kernel until the guests have ended. A start in the background that is refused damages
# the shell on Linux 2.6.30, and here that is init: the kernel panics. So each start must be one that is granted.
BLOCKS_LEFT = 6
REFUSED = "Allocation of length 61440 from process "
CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\nexec = true\n'


class Rescue:
    """board: the machine, on; folder: for the database; say: called with each line of the story."""

    def __init__(self, board: machine.Machine, folder: Path, say: Callable[[str], None]) -> None:
        self.board = board
        self.say = say
        self._config = folder / "config.toml"
        self._config.write_text(CONFIG)
        self._command = [
            sys.executable,
            "-m",
            "buddywatch",
            "--config",
            str(self._config),
            "--db",
            str(folder / "x.db"),
        ]
        link = f"serial://{board.agent_path}?baud=115200"
        self._collector = subprocess.Popen([*self._command, "collect", "--plain", link], stdout=subprocess.DEVNULL)

    def close(self) -> None:
        self._collector.terminate()
        self._collector.wait()

    def buddywatch(self, *arguments: str) -> str:
        """A command of the host, which must succeed; what it prints."""
        self.say(f"$ buddywatch {' '.join(arguments)}")
        done = subprocess.run([*self._command, *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise machine.MachineError(f"buddywatch {' '.join(arguments)} ended with {done.returncode}")
        return done.stdout

    def console(self, command: str) -> machine.Answer:
        answer = self.board.console.run(command)
        self.say(f"board# {command}    exit code {answer.status}")
        return answer

    def tear(self) -> int:
        """Leave programs behind until no rm starts; how many there are."""
        for path in (FILE, OTHER_FILE):
            self.console(f"echo text >{path}")
        number = 0
        while self.blocks() > BLOCKS_LEFT:
            number += 1
            self.board.console.run(f'{GUEST} x & G="$G $!"; echo text >/tmp/page{number}; {CHILD} x &')
        self.board.console.run("kill $G")
        while number < CHILDREN_MAX:
            if self.console(f"rm {OTHER_FILE}").status and REFUSED in self.board.console.kernel_log():
                return number
            number += 1
            self.board.console.run(f"echo text >{OTHER_FILE}; {CHILD} x &")
        raise machine.MachineError(f"rm still starts beside {CHILDREN_MAX} programs")

    def blocks(self) -> int:
        """How many blocks of 64 kB the board's free memory has; read by the shell itself."""
        line = self.board.console.run("read -r l </proc/buddyinfo; echo $l").text
        free = [int(word) for word in line.split()[4:]]
        return sum(count << order for order, count in enumerate(free[BLOCK_ORDER:]))

    def is_there(self, path: str) -> bool:
        return self.board.console.run(f"[ -e {path} ]").status == 0

    def wait_for_board(self) -> None:
        """Until the collector has data of the board."""
        status = [*self._command, "status", "--json"]
        while '"free_bytes": ' not in subprocess.run(status, stdout=subprocess.PIPE, text=True, check=False).stdout:
            time.sleep(0.5)

    def ends_that_serve(self, children: int) -> list[int]:
        """The processes whose ends let rm start, as a map says that has all the children. MachineError."""
        end = time.monotonic() + machine.DEADLINE_S
        while time.monotonic() < end:
            pids = ends_by(answer := json.loads(self.buddywatch("map", "board", "--need", "rm", "--json")), children)
            if pids is not None:
                names = {program["pid"]: program["name"] for program in answer["programs"]}
                ends = " and ".join(f"{names[pid]} ({pid})" for pid in pids)
                self.say(f"  the map: rm starts if {ends} end" if pids else "  the map: rm starts now, without an end")
                return pids
            time.sleep(2)
        raise machine.MachineError(f"no map says whose end lets rm start in {machine.DEADLINE_S:.0f} s")

    def story(self) -> None:
        """From a fresh boot to a board that starts programs again. MachineError: something else happened."""
        self.wait_for_board()
        children = self.tear()
        self.say(f"{children} programs are left behind, and the kernel refuses to start rm")
        self.check(self.is_there(FILE), "the file is still there")
        self.buddywatch("run", "board", "rm", FILE)
        self.check(not self.is_there(FILE), "the agent removed the file")
        listed = self.buddywatch("run", "board", "ps")
        self.say(listed)
        self.check(listed.count(CHILD) > 1, "ps names those that were left behind")
        for pid in self.ends_that_serve(children):
            self.buddywatch("run", "board", "kill", str(pid))
        self.check(not self.console(f"rm {OTHER_FILE}").status, "rm starts again")
        self.say(self.buddywatch("log", "board", "--since", "1h"))

    def check(self, is_so: bool, what: str) -> None:
        if not is_so:
            raise machine.MachineError(f"not so: {what}")
        self.say(f"  {what}")


def ends_by(answer: dict[str, Any], children: int) -> list[int] | None:
    """What `map --json` says: whose ends let rm start. None: nothing yet, look again.

    Reclaim may have made room since the refusal: then nobody has to end. A map from before the children says so, too.
    """
    need = answer["needs"]["rm"]
    has_all = sum(program["name"] == CHILD for program in answer["programs"]) >= children
    return need["ends_together"] or ([] if has_all and need["verdict"] in ("ok", "tight") else None)


def rescue(out: Path, flavour: str, folder: Path, say: Callable[[str], None]) -> None:
    """Boot a board and play the story. MachineError."""
    with machine.Machine(out, flavour, agent_tty=True) as board:
        board.console.wait_for(r"buddyd: board: \d+ zones")
        played = Rescue(board, folder, say)
        try:
            played.story()
        finally:
            played.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--flavour", default="4k-2.6.30", help="the kernel: 4k, 4k-2.6.30 or 2.6.30 (default 4k-2.6.30)"
    )
    options = parser.parse_args()
    folder = watch.fresh_folder(rig.TOP / "build" / "board-rescue")
    try:
        rescue(rig.TOP / "build" / "board", options.flavour, folder, lambda line: print(line, flush=True))
    except machine.MachineError as error:
        print(f"board-rescue: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
