"""Bytes per snapshot in the database, for the traces in tests/fixtures/traces: python tests/bench/store_sizes.py

Each trace is sent as a recorded stream, one snapshot in 5 seconds, through `buddywatch collect`. The file is measured
after `db compact`, with its indexes, and with the kernel's lines that came as events.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "tests")]

from bench import wire_sizes  # noqa: E402
from buddyd import wire  # noqa: E402
from buddyd.ring import GROUPS_MIN  # noqa: E402
from buddyd.sources import kernel_messages  # noqa: E402

BUDDYWATCH = (sys.executable, "-m", "buddywatch")
ENV = os.environ | {"PYTHONPATH": f"{TOP / 'host'}:{TOP / 'agent'}"}
BOOT = "3f9a0c52"
FACTS = {
    "v": "1",
    "interval_cs": str(wire_sizes.PERIOD_CS),
    "kernel": "6.1.192",
    "page_bytes": str(wire_sizes.PAGE_KB * 1024),
    "nommu": "1",
    "kboot": "-",
    "cols": "up,proc,free,recl,slab",
    "zones": "1",
    "z0": f"0/DMA/{wire_sizes.ORDERS}/" + "/".join(map(str, wire_sizes.MARKS)),
    "oldest": "1",
    "next": "1",
    "key": "0",
    "up": "0",
}


@dataclass(frozen=True)
class Stored:
    """What a trace becomes in the database."""

    trace: str
    snapshots: int
    events: int
    file_bytes: int
    packed_bytes: float  # of a snapshot that is packed, its part of the summaries included
    all_bytes: float  # for each snapshot, what the file has more than an empty one: journal, events, alerts, indexes


def stream(name: str) -> bytes:
    """tests/fixtures/traces/NAME.tsv as a board would have sent it."""
    out = list(wire.hello_lines(BOOT, (FACTS | {"name": name}).items()))
    encoder = None
    for vector, kernel_lines in wire_sizes.rows(wire_sizes.TRACES / f"{name}.tsv"):
        if encoder is None:
            group_bytes = wire_sizes.RING_BYTES // GROUPS_MIN
            encoder = wire.Encoder(BOOT, len(vector), wire_sizes.PERIOD_CS, group_bytes)
        for line in kernel_lines:
            found = kernel_messages.parse(line)
            if found:
                encoder.event(wire.event_text(vector[0], *found, line), out.append)
        encoder.snapshot(vector, out.append)
    return b"".join(bytes(line) + b"\n" for line in out)


def run_buddywatch(arguments: list[str]) -> None:
    """Run a command with the default configuration, and without mail or hooks."""
    with tempfile.NamedTemporaryFile() as config:
        command = [*BUDDYWATCH, "--config", config.name, *arguments]
        subprocess.run(command, env=ENV, stdout=subprocess.DEVNULL, check=True)


def measure(name: str) -> Stored:
    """What `collect` makes of the trace."""
    with tempfile.TemporaryDirectory() as folder:
        recording, db = Path(folder, "stream"), Path(folder, "buddywatch.db")
        recording.write_bytes(stream(name))
        run_buddywatch(["--db", str(db), "collect", "--plain", f"file:{recording}"])
        run_buddywatch(["--db", str(db), "db", "compact"])
        with contextlib.closing(sqlite3.connect(db)) as connection:
            packed = "SELECT sum(samples), sum(length(body) + length(summary)) FROM chunks"
            samples, size = connection.execute(packed).fetchone()
            in_journal, events = connection.execute(
                "SELECT (SELECT total(samples) FROM journal), (SELECT count(*) FROM events)"
            ).fetchone()
        snapshots = samples + int(in_journal)
        each = (db.stat().st_size - empty_bytes(Path(folder))) / snapshots
        return Stored(name, snapshots, events, db.stat().st_size, size / samples, each)


def empty_bytes(folder: Path) -> int:
    """The size of a database in which nothing is stored."""
    db = folder / "empty.db"
    run_buddywatch(["--db", str(db), "collect", "--plain", "file:/dev/null"])
    run_buddywatch(["--db", str(db), "db", "compact"])
    return db.stat().st_size


def table() -> list[str]:
    """The rows of the table in docs/reference/database.md."""
    head = "| trace | snapshots | events | file | each packed snapshot | each with events, alerts, journal, indexes |"
    lines = [head, "|---|---|---|---|---|---|"]
    for path in sorted(wire_sizes.TRACES.glob("*.tsv")):
        stored = measure(path.stem)
        each = f"{stored.packed_bytes:.1f} bytes | {stored.all_bytes:.1f} bytes"
        sizes = f"{stored.file_bytes} bytes | {each}"
        lines.append(f"| {stored.trace} | {stored.snapshots} | {stored.events} | {sizes} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
