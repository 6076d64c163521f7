"""`make run`: watches this machine. buddyd reads /proc; the collector hears it over a serial line and over telnet."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys

import rig

FOLDER = rig.TOP / "build" / "run"
INTERVAL_S = "1"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, help="end by itself after so many seconds")
    seconds = parser.parse_args().seconds
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    command = rig.interpreter()
    port = rig.free_port()
    line = rig.SerialLine()
    line.start()
    print(f"buddyd runs under {command[0][0]}, on {line.board_path} and telnet port {port}", flush=True)
    agent = rig.start_agent(
        command, ["--serial", line.board_path, "--telnet", f"127.0.0.1:{port}", "--interval", INTERVAL_S]
    )
    buddywatch = [sys.executable, "-m", "buddywatch", "--db", str(FOLDER / "buddywatch.db")]
    collector = subprocess.Popen([*buddywatch, "collect", f"serial://{line.host_path}", f"telnet://127.0.0.1:{port}"])
    # Ctrl-C reaches the collector as well; it ends itself, and then so do we.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: collector.terminate())
    try:
        status = _wait(collector, seconds, [*buddywatch, "status"])
        agent_code = agent.poll()
    finally:
        rig.stop_agent(agent)
        line.close()
    print(status or "the collector ended by itself", end="", flush=True)
    if agent_code is not None:  # it should have gone on until we stopped it
        print(f"run: buddyd ended by itself with exit code {agent_code}; see above", file=sys.stderr)
        return 1
    return collector.returncode


def _wait(collector: subprocess.Popen[bytes], seconds: float | None, status: list[str]) -> str:
    """What `status` says at the end: while the links are still up, where we are the one to end it."""
    try:
        collector.wait(seconds)
    except subprocess.TimeoutExpired:
        text = subprocess.run(status, check=False, stdout=subprocess.PIPE, text=True).stdout
        collector.terminate()
        collector.wait()
        return text
    return subprocess.run(status, check=False, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
