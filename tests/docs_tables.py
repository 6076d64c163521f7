"""The tables of the documentation that are made from code. `python tests/docs_tables.py` rewrites them."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / "agent"), str(TOP / "host")]

from buddywatch.config import own_rules  # noqa: E402
from buddywatch.config.schema import reference_markdown  # noqa: E402
from buddywatch.store import migrations  # noqa: E402

REFERENCE = TOP / "docs" / "reference"
_PURPOSE = {
    "bridge_frames": "the frames of a boot that a bridge has pushed, as JSON",
    "bridges": "how far each bridge is, how many rows the engine refused, and the last error",
    "acknowledgements": "open alerts that somebody looks after: no reminders of them are sent",
    "digests": "when the newest daily digest was made",
    "channels": "channels that did not work at the last try, and recipients that are refused",
    "boots": "each run of an agent: its hello, the time of uptime 0, and `cause` (`first`, `agent-restart`, `reboot`)",
    "console": "text between the frames",
    "endings": "boots that are over, while another link may still bring frames up to `last`",
    "events": "the kernel's lines, and news of the agent; `copy`: the same line is stored already",
    "forecasts": "the newest forecast of each need, made at this uptime",
    "gaps": "frames `first` to `last` that are lost, and why",
    "heard": "when a board last sent something, by CLOCK_BOOTTIME, and in which boot of this machine",
    "incidents": "each alert, from its beginning to its end",
    "journal": "polls of a board that are not packed yet: `samples` of them, frames `first_seq` to `seq`",
    "judged": "the newest snapshot of a board that the rules have judged",
    "unheard_links": "links over which no board was heard since `collect` started, and why",
    "links": "each link of a board, whether it is up, and its damage",
    "losses": "how many frames of a board are lost, and in which gap the newest of them",
    "margins": "the history of each need's margin up to frame `seq`, as JSON",
    "migrations": "the schema's history",
    "outbox": "each message, for mail and each hook, and whether it was sent",
    "parts": "the threads of the running collector: their state, restarts and last error",
    "passed": "how far a boot was judged that is newer than the one that is judged now",
    "rollups": "minimum, mean, maximum of each day of a boot (`step_s` 86400), and of 900 s where snapshots are gone",
    "rule_states": "the state of each rule",
    "silences": "which alerts are muted, until when, and why",
    "chunks": "polls of a board that are packed: `samples` of them, frames `first_seq` to `last_seq`",
    "stored_ranges": "frames `first` to `last` that are stored; there may be more",
    "transitions": "each change of a rule's state",
}


def schema_markdown() -> str:
    """The tables and columns of a new database."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(connection)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    lines = ["| table | holds | columns |", "|---|---|---|"]
    for name in names:
        columns = ", ".join(f"`{row[1]}`" for row in connection.execute(f"PRAGMA table_info({name})"))
        lines.append(f"| `{name}` | {_PURPOSE[name]} | {columns} |")
    return "\n".join(lines) + "\n"


TABLES = {
    "config.schema": (REFERENCE / "configuration.md", reference_markdown),
    "config.own_rules": (TOP / "docs" / "how-to" / "own-rules.md", own_rules.reference_markdown),
    "the schema": (REFERENCE / "database.md", schema_markdown),
}


def _marked(source: str) -> re.Pattern[str]:
    begin = f"<!-- made by tests/docs_tables.py from {source}: begin -->\n"
    return re.compile(f"({re.escape(begin)})(.*?)(<!-- end -->)", re.DOTALL)


def written(source: str) -> str:
    """The table as it stands on its page."""
    page, _ = TABLES[source]
    match = _marked(source).search(page.read_text())
    assert match, f"{page} has no marks for {source}"
    return match[2].strip() + "\n"


def main() -> None:
    for source, (page, make) in TABLES.items():
        table = make()
        page.write_text(
            _marked(source).sub(lambda match, table=table: f"{match[1]}\n{table}\n{match[3]}", page.read_text())
        )


if __name__ == "__main__":
    main()
