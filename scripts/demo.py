"""`make demo`: plays the reference story in about a minute, and prints the resulting mails.

A simulated board goes from its state after a reboot to the state in which `rm` failed, its kernel reports the failure,
and it is switched off and on. buddyd reads the board; the collector receives its frames over a serial line and over
telnet, which both fail for a while.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import rig
import stage
import story

FOLDER = rig.TOP / "build" / "demo"
INTERVAL_S = 0.2
STEPS = 180  # from the first state to the failing one
CUTS = ((5 / 18, 7 / 18), (12 / 18, 13 / 18))  # fractions of the run in which both lines are cut
FAILED_STEPS = 15  # between the kernel's line and the reboot
WARNING, ALL_CLEAR = re.compile(r"\brm can no longer start\b"), re.compile(r"\bOK\b.*\brm\b")  # in a mail
# The all-clear needs six good snapshots, and is sent ten seconds after the previous mail at the earliest.
USUAL_END_S, LATEST_END_S = 8, 60
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


def play(scene: stage.Stage, way: list[story.State], mails: Path) -> None:
    """The story, from the first state to the mail with the all-clear."""
    at = 0
    for first, last in CUTS:
        begin, end = round(first * len(way)), round(last * len(way))
        scene.play(way[at:begin])
        scene.serial.cut.set()
        scene.telnet.cut.set()
        scene.play(way[begin:end])
        scene.serial.cut.clear()
        scene.telnet.cut.clear()
        at = end
    scene.play(way[at:])
    _play_until_mailed(scene, way[-1], WARNING, mails)
    scene.board.kernel_says(story.KERNEL_LINE)
    scene.play(way[-1:] * FAILED_STEPS)
    scene.power_cycle()
    _play_until_mailed(scene, story.State(story.REBOOT, 25, 728), ALL_CLEAR, mails)


def _play_until_mailed(scene: stage.Stage, state: story.State, words: re.Pattern[str], mails: Path) -> None:
    while not words.search(mails.read_text()):
        scene.play([state])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--steps", type=int, default=STEPS, help="states on the way to the failure (default: %(default)s)"
    )
    way = story.way_to_failure(parser.parse_args().steps)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    mails, config, news = FOLDER / "mails.txt", FOLDER / "config.toml", FOLDER / "news.txt"
    mails.touch()
    config.write_text(CONFIG.format(mails=mails))
    buddywatch = [sys.executable, "-m", "buddywatch", "--config", str(config), "--db", str(FOLDER / "buddywatch.db")]
    story_s = (len(way) + FAILED_STEPS) * INTERVAL_S
    print(f"A board runs out of large blocks; watch `rm`. This takes about {story_s + USUAL_END_S:.0f} s.", flush=True)
    began_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(stage.Stage(FOLDER, rig.interpreter(), INTERVAL_S))
        collect = [*buddywatch, "collect", scene.serial_url, scene.telnet_url, "--for", str(2 * story_s + LATEST_END_S)]
        # On a terminal the live view shows the story; into a pipe there would be only news of the lines that are cut.
        out = None if sys.stdout.isatty() else stack.enter_context(news.open("wb"))
        collector = subprocess.Popen(collect, stdout=out)
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # the collector gets it and ends, and then this script ends as well
        signal.signal(signal.SIGTERM, lambda *_: collector.terminate())
        threading.Thread(target=_perform, args=(scene, way, mails, collector), daemon=True).start()
        code = collector.wait()
    lasted_s = round(time.monotonic() - began_s) + 1
    print("\nWhat happened (`buddywatch plot`):\n", flush=True)
    subprocess.run([*buddywatch, "plot", "xport", "--need", "rm", "--since", f"{lasted_s}s"], check=False)
    print(f"\nThe mails of this run ({mails.relative_to(rig.TOP)}):\n")
    print(mails.read_text())
    subprocess.run([*buddywatch, "status"], check=False)
    return code


def _perform(scene: stage.Stage, way: list[story.State], mails: Path, collector: subprocess.Popen[bytes]) -> None:
    """Play the story, then end the collector. If it ends before, the lines and files are gone while they are in use."""
    with contextlib.suppress(OSError, ValueError):
        play(scene, way, mails)
    collector.terminate()


if __name__ == "__main__":
    sys.exit(main())
