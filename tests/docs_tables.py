"""The tables of the documentation that are made from code. `python tests/docs_tables.py` writes them anew."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / "agent"), str(TOP / "host")]

from buddywatch.config.schema import reference_markdown  # noqa: E402
from buddywatch.store import migrations  # noqa: E402

PAGE = TOP / "host" / "README.md"
_PURPOSE = {
    "boots": "each life of an agent: its hello, when uptime 0 was, and `cause` (`first`, `agent-restart`, `reboot`)",
    "console": "text on the line that was no frame",
    "events": "the kernel's lines, and news of the agent; `copy`: known already",
    "gaps": "frames `first` to `last` that will never come, and why",
    "incidents": "each trouble from its beginning to its end",
    "judged": "up to where the rules have judged a board",
    "links": "on which link a board was seen, and whether it is up",
    "migrations": "the schema's history",
    "outbox": "each message, for each way out, and how far it is",
    "rule_states": "where each rule stands",
    "silences": "who is not to be told of what, until when, and why",
    "snapshots": "each poll of a board: frames `first_seq` to `seq`",
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


TABLES = {"config_schema.KEYS": reference_markdown, "the schema": schema_markdown}


def _marked(source: str) -> re.Pattern[str]:
    begin = f"<!-- made by tests/docs_tables.py from {source}: begin -->\n"
    return re.compile(f"({re.escape(begin)})(.*?)(<!-- end -->)", re.DOTALL)


def written(source: str) -> str:
    """The table as it stands on the page."""
    match = _marked(source).search(PAGE.read_text())
    assert match, f"{PAGE} has no marks for {source}"
    return match[2].strip() + "\n"


def main() -> None:
    text = PAGE.read_text()
    for source, make in TABLES.items():
        text = _marked(source).sub(lambda match, make=make: f"{match[1]}\n{make()}\n{match[3]}", text)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
