"""A bad line for tests: carries bytes between two ends, with the faults that faults.py chooses from a seed.

    python scripts/fault_proxy.py --tcp 7000 127.0.0.1:5555
    python scripts/fault_proxy.py --pty /tmp/board /tmp/host --seed 7 --every 200 --faults flip,drop,echo

--tcp listens on a port of this machine and forwards to another; --pty makes two terminals with these names, which act
as the ends of a serial line. It ends on Ctrl-C or after --for, and prints the faults it injected.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from fault_lines import FaultLine, FaultPty, FaultTcp
from faults import KINDS


def table(times: Counter[str], hit_bytes: Counter[str]) -> list[str]:
    """What was injected, in lines."""
    rows = [f"{kind:16}{times[kind]:8}{hit_bytes[kind]:10}" for kind in KINDS if times[kind]]
    return [f"{'fault':16}{'times':>8}{'bytes':>10}", *rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ends = parser.add_mutually_exclusive_group(required=True)
    ends.add_argument(
        "--tcp", nargs=2, metavar=("PORT", "HOST:PORT"), help="the host connects to PORT, the board is at HOST:PORT"
    )
    ends.add_argument("--pty", nargs=2, metavar=("BOARD", "HOST"), type=Path, help="names for the two terminals")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same faults (default: 0)")
    parser.add_argument("--faults", default=",".join(KINDS), help=f"which; all of them: {', '.join(KINDS)}")
    parser.add_argument(
        "--every", type=int, default=400, metavar="BYTES", help="mean number of bytes between two faults (default: 400)"
    )
    parser.add_argument("--good-after", type=float, metavar="SECONDS", help="no more faults after so many seconds")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="stop after this time")
    args = parser.parse_args()
    end_signals: list[int] = []  # no exception, which could interrupt the start of a thread
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: end_signals.append(number))
    try:
        line = _line(args)
    except (OSError, ValueError) as error:
        print(f"fault_proxy: {error}", file=sys.stderr)
        return 2
    line.start()
    _wait(line, args.good_after, args.seconds, end_signals)
    line.close()
    print("\n".join(table(*line.done())))
    return 0


def _line(args: argparse.Namespace) -> FaultLine:
    kinds = [kind for kind in args.faults.split(",") if kind]
    if args.every < 1:
        raise ValueError(f"--every {args.every}: expected at least 1")
    if args.pty:
        return FaultPty(args.seed, kinds, args.every, *args.pty)
    port, (host, _, target) = args.tcp[0], args.tcp[1].rpartition(":")
    if not (port.isdecimal() and target.isdecimal() and host):
        raise ValueError(f"--tcp {' '.join(args.tcp)}: expected PORT HOST:PORT")
    line = FaultTcp(args.seed, kinds, args.every, int(port), (host, int(target)))
    print(f"listening on 127.0.0.1:{line.port}", flush=True)
    return line


def _wait(line: FaultLine, good_after_s: float | None, end_after_s: float | None, end_signals: list[int]) -> None:
    began_s = time.monotonic()
    while not end_signals and (end_after_s is None or time.monotonic() < began_s + end_after_s):
        if good_after_s is not None and time.monotonic() >= began_s + good_after_s:
            line.calm()
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
