"""Bytes per snapshot on the wire, for the traces in tests/fixtures/traces: python tests/bench/wire_sizes.py

A row of a trace stands for 5 seconds. Its time stamps are 25 times closer together; how late or early a row came is
kept in milliseconds. Every vector has the columns that the agent has on that board; Cached, which the traces have,
stands for what is reclaimable. What a line carries besides is counted on a line of 9600 baud between agent and
collector, with a clock of its own.
"""

import csv
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "tests")]

import virtualline  # noqa: E402
from buddyd import wire  # noqa: E402
from buddyd.ring import GROUPS_MIN  # noqa: E402
from buddyd.sources import kernel_messages  # noqa: E402

TRACES = TOP / "tests" / "fixtures" / "traces"
PERIOD_CS, RECORDED_PERIOD_MS = 500, 200
PAGE_KB, ORDERS = 4, 11
MARKS = [70, 87, 104, 0]  # min, low, high, reserve of the board
RING_BYTES = 32768
BYTES_PER_S = 960  # 9600 baud
VECTORS = TOP / "tests" / "vectors" / "wire.json"


@dataclass(frozen=True)
class Sizes:
    """Bytes of each snapshot's frames, newlines included."""

    trace: str
    snapshots: list[int]

    @property
    def median(self) -> float:
        return statistics.median(self.snapshots)

    @property
    def mean(self) -> float:
        return statistics.mean(self.snapshots)


def hello_bytes() -> int:
    """What a whole hello of such a board takes."""
    hello = next(item for item in json.loads(VECTORS.read_text())["hello"] if item["name"] == "board")
    return sum(len(line) + 1 for line in hello["lines"])


def rows(path: Path) -> Iterator[tuple[list[int], list[str]]]:
    """The vector of each row, and the kernel's lines in it."""
    with path.open() as file:
        first_ms = None
        for number, row in enumerate(csv.DictReader(file, delimiter="\t")):
            first_ms = int(row["up_ms"]) if first_ms is None else first_ms
            late_ms = int(row["up_ms"]) - first_ms - number * RECORDED_PERIOD_MS
            nr_free = [int(row[f"order{order}"]) for order in range(ORDERS)]
            pages = sum(count << order for order, count in enumerate(nr_free))
            kb = [int(row[name]) for name in ("mem_free_kb", "cached_kb", "slab_kb")]
            vector = [number * PERIOD_CS + late_ms // 10, int(row["processes"]), kb[0] // PAGE_KB - pages]
            vector += [kb[1] // PAGE_KB, kb[2] // PAGE_KB, *MARKS, *nr_free]
            yield vector, [line for line in (row["event"] or "").split(" | ") if line]


def frames(name: str, boot: str) -> Iterator[bytes]:
    """All frames of a trace, as an agent makes them."""
    encoder = None
    for vector, lines in rows(TRACES / f"{name}.tsv"):
        encoder = encoder or wire.Encoder(boot, len(vector), PERIOD_CS, RING_BYTES // GROUPS_MIN)
        made: list[bytes] = []
        for line in lines:
            found = kernel_messages.parse(line)
            if found:
                encoder.event(wire.event_text(vector[0], *found, line), made.append)
        encoder.snapshot(vector, made.append)
        yield from made


@cache
def measure(name: str) -> Sizes:
    """The sizes for tests/fixtures/traces/NAME.tsv."""
    snapshots: list[int] = []
    encoder = None
    for vector, _ in rows(TRACES / f"{name}.tsv"):
        encoder = encoder or wire.Encoder("3f9a0c52", len(vector), PERIOD_CS, RING_BYTES // GROUPS_MIN)
        sizes: list[int] = []
        encoder.snapshot(vector, lambda frame, sizes=sizes: sizes.append(len(frame) + 1))
        snapshots.append(sum(sizes))
    return Sizes(name, snapshots)


def on_a_line(sizes: Sizes, listens_only: bool) -> tuple[float, list[int]]:
    """(bytes per snapshot in both directions, with hellos and requests, and without events; bytes of each event)."""
    played = list(rows(TRACES / f"{sizes.trace}.tsv"))
    agent = virtualline.agent(virtualline.Player(played, ORDERS, MARKS), PERIOD_CS * 10, RING_BYTES)
    events: list[int] = []
    encode = agent.encoder.event

    def counted(text: bytes, sink: Callable[[bytes], None]) -> None:
        encode(text, lambda frame: (events.append(len(frame) + 1), sink(frame)))

    agent.encoder.event = counted
    line = virtualline.Line(agent, BYTES_PER_S, listens_only)
    line.connect()
    line.run_polls(len(played) - 1)
    line.run_until(lambda: not line.peer.wants_write())
    carried_bytes = line.to_host.carried_bytes + line.to_board.carried_bytes
    return (carried_bytes - sum(events)) / len(sizes.snapshots), events


def table() -> list[str]:
    """The rows of the table in agent/PROTOCOL.md."""
    head = ("trace", "snapshots", "median", "mean", "smallest", "largest", "line both ways", "line one way")
    lines = [f"| {' | '.join((*head, 'events', 'bytes each'))} |", "|---" * (len(head) + 2) + "|"]
    for path in sorted(TRACES.glob("*.tsv")):
        sizes = measure(path.stem)
        (both_ways, events), (one_way, _) = on_a_line(sizes, False), on_a_line(sizes, True)
        event_bytes = f"{statistics.mean(events):.0f}" if events else "-"
        lines.append(
            f"| {sizes.trace} | {len(sizes.snapshots)} | {sizes.median:g} | {sizes.mean:.1f} | {min(sizes.snapshots)} "
            f"| {max(sizes.snapshots)} | {both_ways:.1f} | {one_way:.1f} "
            f"| {len(events)} | {event_bytes} |"
        )
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
