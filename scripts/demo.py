"""`make demo`: plays the reference story in about a minute, and prints the mails that it brought.

A made-up board goes from its state after a reboot to the state in which `rm` failed, its kernel says so, and it is
switched off and on. buddyd reads it; the collector hears buddyd over a serial line and over telnet, which both fail for
a while.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import threading

import rig
import stage
import story

FOLDER = rig.TOP / "build" / "demo"
INTERVAL_S = 0.2
STEPS = 180
CUTS = ((50, 70), (120, 135))  # steps between which both lines are dead
EPILOGUE = 40  # steps after the reboot: the all-clear needs six good snapshots, and the mail about it a while
COLLECT_S = (STEPS + 15 + EPILOGUE) * INTERVAL_S * 1.15 + 5
CONFIG = """
[[need]]
name = "rm"
bytes = 61440
exec = true

[alert]
batch = "1s"
silent_after = "30s"

[mail]
from = "buddywatch@localhost"
to = ["you@localhost"]
command = ["sh", "-c", "(cat; echo; echo) >> '{mails}'"]
"""


def play(scene: stage.Stage) -> None:
    """The story, from the first state to the all-clear."""
    steps = story.way_to_failure(STEPS)
    at = 0
    for first, last in CUTS:
        scene.play(steps[at:first])
        scene.serial.cut.set()
        scene.telnet.cut.set()
        scene.play(steps[first:last])
        scene.serial.cut.clear()
        scene.telnet.cut.clear()
        at = last
    scene.play(steps[at:])
    scene.board.kernel_says(story.KERNEL_LINE)
    scene.play([steps[-1]] * 15)
    scene.power_cycle()
    scene.play([story.State(story.REBOOT, 25, 728)] * (2 * EPILOGUE))  # until the collector ends


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    mails, config = FOLDER / "mails.txt", FOLDER / "config.toml"
    mails.touch()
    config.write_text(CONFIG.format(mails=mails))
    buddywatch = [sys.executable, "-m", "buddywatch", "--config", str(config), "--db", str(FOLDER / "buddywatch.db")]
    print(f"A board runs out of large blocks; watch `rm`. This takes {COLLECT_S:.0f} s; Ctrl-C ends it.", flush=True)
    with stage.Stage(FOLDER, rig.interpreter(), INTERVAL_S) as scene:
        collect = [*buddywatch, "collect", scene.serial_url, scene.telnet_url, "--for", str(COLLECT_S)]
        collector = subprocess.Popen(collect)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches the collector, and then we end as well
        signal.signal(signal.SIGTERM, lambda *_: collector.terminate())
        threading.Thread(target=_quietly, args=(play, scene), daemon=True).start()
        code = collector.wait()
    print(f"\nThe mails that this brought ({mails.relative_to(rig.TOP)}):\n")
    print(mails.read_text())
    subprocess.run([*buddywatch, "status"], check=False)
    return code


def _quietly(action, scene) -> None:
    """The story may be ended in the middle of a sentence: its lines and files are gone then."""
    with contextlib.suppress(OSError, ValueError):
        action(scene)


if __name__ == "__main__":
    sys.exit(main())
