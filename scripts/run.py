"""`make run`: watches this machine. buddyd reads /proc and sends to the collector over a serial line and telnet."""

from __future__ import annotations

import argparse
import sys

import rig
import watch
from buddywatch.commands.argument_types import duration

INTERVAL_S = "1"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="seconds", type=duration, help="end after so long, such as 30 or 10m")
    seconds = parser.parse_args().seconds
    folder = watch.fresh_folder(rig.TOP / "build" / "run")
    command = rig.interpreter()
    port = rig.free_port()
    line = rig.SerialLine()
    line.start()
    print(f"buddyd runs under {command[0][0]}, on {line.board_path} and telnet port {port}", flush=True)
    agent = rig.start_agent(
        command, ["--serial", line.board_path, "--telnet", f"127.0.0.1:{port}", "--interval", INTERVAL_S]
    )
    try:
        code = watch.collect(folder, [f"serial://{line.host_path}", f"telnet://127.0.0.1:{port}"], seconds)
        agent_code = agent.poll()
    finally:
        rig.stop_agent(agent)
        line.close()
    if agent_code is not None:  # it ended before we stopped it
        print(f"run: buddyd ended unexpectedly with exit code {agent_code}; see above", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
