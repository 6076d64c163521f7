"""What `buddywatch explain` costs: work per line and memory, as ratios that do not depend on the machine.

    python3 tests/bench/explain_text.py [MB]

The text is every report of tests/fixtures/reports, over and over: far denser than a log. CPU time is given in passes of
one plain search over the same text, memory as a multiple of the text.
"""

import re
import resource
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "host"), str(TOP / "agent")]

from buddywatch.explain.answers import explain  # noqa: E402

REPORTS = TOP / "tests" / "fixtures" / "reports"
_PLAIN = re.compile(r"\bfree:\d+kB|page allocation failure")


def text_of(mb: int) -> str:
    reports = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(REPORTS.glob("*.txt")))
    return (reports + "\n") * (mb * 1_000_000 // len(reports) + 1)


def cpu_s(call: object, *arguments: object) -> float:
    before = time.process_time()
    call(*arguments)  # type: ignore[operator]
    return time.process_time() - before


def main() -> None:
    mb = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    text = text_of(mb)
    idle_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plain_s = min(cpu_s(_PLAIN.findall, text) for _ in range(3))
    explain_s = cpu_s(explain, text)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = text.count("\n")
    print("| text | lines | CPU here | in plain searches | per line | memory, in texts |")
    print("|--:|--:|--:|--:|--:|--:|")
    cells = [
        f"{len(text) / 1e6:.1f} MB",
        lines,
        f"{explain_s:.1f} s",
        f"{explain_s / plain_s:.0f}",
        f"{explain_s / lines * 1e6:.0f} us",
        f"{peak_kb * 1024 / len(text):.1f} ({(peak_kb - idle_kb) // 1024} MB more)",
    ]
    print(f"| {' | '.join(str(cell) for cell in cells)} |")


if __name__ == "__main__":
    main()
