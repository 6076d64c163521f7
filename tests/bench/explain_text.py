"""What `buddywatch explain` costs for a log of MB megabytes: work per line, CPU time and memory of the process.

    python3 tests/bench/explain_text.py [MB]

The text is every report of tests/fixtures/reports, over and over: far denser than a log. Once as it is (a failure that
was pasted twice counts once), once with other stamps each time, so that all are failures of their own. CPU time is in
seconds, and in passes of one plain search over the same text, which depend less on the machine.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
REPORTS = TOP / "tests" / "fixtures" / "reports"
_PLAIN = re.compile(r"\bfree:\d+kB|page allocation failure")


_STAMP = re.compile(r"(?<=\[)( *)\d+(?=\.\d{6}\])")


def text_of(mb: int, has_own_stamps: bool) -> str:
    reports = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(REPORTS.glob("*.txt")))
    passes = range(mb * 1_000_000 // len(reports) + 1)
    if has_own_stamps:
        return "\n".join(_STAMP.sub(rf"\g<1>{number * 1000}", reports) for number in passes)
    return "\n".join(reports for _ in passes)


def cost_of(text: str) -> tuple[float, int]:
    """CPU seconds of the process, and the most memory that it had, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "dmesg.txt"
        log.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "buddywatch", "explain", str(log)]
        paths = os.pathsep.join([str(TOP / "host"), str(TOP / "agent")])
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": paths})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 1:  # 1: failures were found
        raise SystemExit(f"buddywatch explain ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def plain_s(text: str) -> float:
    times = []
    for _ in range(3):
        before = time.process_time()
        _PLAIN.findall(text)
        times.append(time.process_time() - before)
    return min(times)


def main() -> None:
    mb = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("| text | lines | CPU here | in plain searches | per line | most memory |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, has_own_stamps in (("the same failures again", False), ("failures of their own", True)):
        text = text_of(mb, has_own_stamps)
        explain_s, peak_mb = cost_of(text)
        lines = text.count("\n")
        cells = [
            f"{len(text) / 1e6:.1f} MB, {name}",
            lines,
            f"{explain_s:.1f} s",
            f"{explain_s / plain_s(text):.0f}",
            f"{explain_s / lines * 1e6:.0f} us",
            f"{peak_mb} MB",
        ]
        print(f"| {' | '.join(str(cell) for cell in cells)} |")


if __name__ == "__main__":
    main()
