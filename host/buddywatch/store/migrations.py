"""The database's schema, as the numbered steps that build it.

A released step is never changed; new steps are added below it. Each step runs in one transaction together with its
row in the table `migrations`, so no file is ever left in the middle of a step.

Times are integer milliseconds since 1970. `need` is '' if a rule is about the board as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buddywatch.store.journal_migration import Connection

APPLICATION_ID = 0x62647764  # "bdwd": `file` shows it; databases of other programs have another one

# SQLite takes the other columns from the row with the largest time (sqlite.org/lang_select.html, "bare columns").
SUM_OF_LOSSES = """SELECT board, frames, boot, first FROM (
    SELECT b.board, sum(g.last - g.first + 1) AS frames, g.boot, g.first, max(g.time_ms)
    FROM boots b JOIN gaps g ON g.boot = b.id
    WHERE g.reason IN ('overwritten', 'reboot', 'undecodable', 'not-held') {} GROUP BY b.board)"""


def m001_initial(connection: Connection) -> None:
    from buddywatch.store import first_schema  # only the first command of a database needs it

    for statement in first_schema.DATA + first_schema.ALERTS:
        connection.execute(statement)


def m002_link_health(connection: Connection) -> None:
    for column in ("damaged_lines", "dropped_bytes", "reasked_frames"):
        connection.execute(f"ALTER TABLE links ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE links ADD COLUMN last_error TEXT NOT NULL DEFAULT ''")


def m003_parts(connection: Connection) -> None:
    """The state of the collector's threads. owner: the process that runs them."""
    connection.execute(
        """CREATE TABLE parts (
            name TEXT PRIMARY KEY, state TEXT NOT NULL, since_ms INTEGER NOT NULL, restarts INTEGER NOT NULL,
            last_error TEXT, last_error_ms INTEGER, owner TEXT NOT NULL) STRICT, WITHOUT ROWID"""
    )


def m004_bounded_reads(connection: Connection) -> None:
    """Queries that the collector runs repeatedly must not read the whole history."""
    from buddywatch.store import first_schema

    for statement in first_schema.BOUNDED_READS:
        connection.execute(statement)


def m005_stored_ranges(connection: Connection) -> None:
    """Frames first..last of a boot that are stored as snapshots or events; more may be stored than these rows say."""
    connection.execute(
        """CREATE TABLE stored_ranges (
            boot INTEGER NOT NULL REFERENCES boots, first INTEGER NOT NULL, last INTEGER NOT NULL,
            PRIMARY KEY (boot, first)) STRICT, WITHOUT ROWID"""
    )


def m006_heard(connection: Connection) -> None:
    connection.execute(
        """CREATE TABLE heard (
            board TEXT PRIMARY KEY, boottime_ms INTEGER NOT NULL, host_boot TEXT NOT NULL) STRICT, WITHOUT ROWID"""
    )


def m007_endings(connection: Connection) -> None:
    """Boots that ended, while a slower link may still bring their frames up to `last`. successor: the next boot id."""
    connection.execute(
        """CREATE TABLE endings (
            boot INTEGER PRIMARY KEY REFERENCES boots, last INTEGER NOT NULL, successor TEXT NOT NULL,
            since_ms INTEGER NOT NULL) STRICT"""
    )


def m008_losses(connection: Connection) -> None:
    """The sum of a board's gaps that are losses, and the newest of them, for the live view."""
    connection.execute(
        """CREATE TABLE losses (
            board TEXT PRIMARY KEY, frames INTEGER NOT NULL, boot INTEGER NOT NULL REFERENCES boots,
            first INTEGER NOT NULL) STRICT, WITHOUT ROWID"""
    )
    connection.execute(f"INSERT INTO losses {SUM_OF_LOSSES.format('')}")


def m009_passed(connection: Connection) -> None:
    """How far the rules judged a newer boot before they returned to an older one that was still running."""
    connection.execute("CREATE TABLE passed (boot INTEGER PRIMARY KEY REFERENCES boots, seq INTEGER NOT NULL) STRICT")


def m010_unheard_links(connection: Connection) -> None:
    """Links over which no board was heard since the collector started, which belong to no board yet."""
    connection.execute(
        """CREATE TABLE unheard_links (
            url TEXT PRIMARY KEY, up INTEGER NOT NULL, last_error TEXT NOT NULL) STRICT, WITHOUT ROWID"""
    )


def m011_deliveries(connection: Connection) -> None:
    """Each channel's own back-off, and each recipient's state. recipients: JSON list of those to try again, '' for all.

    alone: 1 if the message waits for a reason of its own, whatever happens to others of its channel.
    """
    connection.execute("ALTER TABLE outbox ADD COLUMN recipients TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE outbox ADD COLUMN alone INTEGER NOT NULL DEFAULT 0")
    connection.execute(
        """CREATE TABLE channels (
            name TEXT PRIMARY KEY, failures INTEGER NOT NULL, since_ms INTEGER NOT NULL, next_try_ms INTEGER NOT NULL,
            last_error TEXT NOT NULL, reported_ms INTEGER) STRICT, WITHOUT ROWID"""
    )
    connection.execute("CREATE INDEX outbox_by_channel ON outbox (channel, state, id)")


def m012_forecasts(connection: Connection) -> None:
    """forecasts: made at this uptime. margins: frames up to seq are in `history` (JSON, see verdict/margin_history)."""
    connection.execute(
        """CREATE TABLE forecasts (
            board TEXT NOT NULL, need TEXT NOT NULL, boot_id TEXT NOT NULL, uptime_ms INTEGER NOT NULL,
            trend TEXT NOT NULL, in_ms INTEGER, low_ms INTEGER, high_ms INTEGER, since_ms INTEGER,
            PRIMARY KEY (board, need)) STRICT, WITHOUT ROWID"""
    )
    connection.execute(
        """CREATE TABLE margins (
            board TEXT NOT NULL, need TEXT NOT NULL, boot_id TEXT NOT NULL, seq INTEGER NOT NULL,
            basis TEXT NOT NULL, history TEXT NOT NULL, PRIMARY KEY (board, need)) STRICT"""
    )


def m013_chunks(connection: Connection) -> None:
    """Closed chunks of a boot's snapshots. Table `snapshots` is the journal: what is not in a chunk yet."""
    connection.execute(
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boots, first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
            first_uptime_ms INTEGER NOT NULL, last_uptime_ms INTEGER NOT NULL, samples INTEGER NOT NULL,
            summary BLOB, body BLOB) STRICT"""
    )
    connection.execute(
        "CREATE UNIQUE INDEX chunks_by_frame ON chunks (boot, last_seq, first_seq, samples, first_ms, last_ms)"
    )
    connection.execute("DROP INDEX snapshots_by_time")  # a journal is short


def m014_acknowledgements(connection: Connection) -> None:
    """Open incidents that somebody looks after. A silence is found by its end, since its board may be a pattern.

    What began in the last hour is counted for each board.
    """
    connection.execute(
        """CREATE TABLE acknowledgements (
            incident INTEGER PRIMARY KEY REFERENCES incidents, time_ms INTEGER NOT NULL,
            comment TEXT NOT NULL) STRICT"""
    )
    connection.execute("DROP INDEX silences_by_board")
    connection.execute("CREATE INDEX silences_by_end ON silences (until_ms)")
    connection.execute("CREATE INDEX transitions_by_time ON transitions (board, noted_ms)")


def m015_rollups(connection: Connection) -> None:
    """zones: JSON, [minimum, mean, maximum] of each number of the zones. lowest_pages: see Summary.held and .left.

    Only the rows of a day have these.
    """
    connection.execute(
        """CREATE TABLE rollups (
            boot INTEGER NOT NULL REFERENCES boots, step_s INTEGER NOT NULL, time_ms INTEGER NOT NULL,
            samples INTEGER NOT NULL, free_bytes_min INTEGER, free_bytes_mean INTEGER, free_bytes_max INTEGER,
            serviceable_bytes_min INTEGER, serviceable_bytes_mean INTEGER, serviceable_bytes_max INTEGER,
            processes_started INTEGER, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, zones TEXT,
            lowest_pages TEXT, lowest_pages_after_exec TEXT,
            PRIMARY KEY (boot, step_s, time_ms)) STRICT, WITHOUT ROWID"""
    )
    connection.execute("CREATE INDEX rollups_by_time ON rollups (step_s, time_ms)")
    connection.execute("CREATE INDEX chunks_raw ON chunks (last_ms) WHERE body IS NOT NULL")
    connection.execute("CREATE INDEX chunks_retired ON chunks (last_ms) WHERE body IS NULL")


def m016_margin_levels(connection: Connection) -> None:
    """level: what the forecast says for the rule refused_within, since this uptime."""
    connection.execute("ALTER TABLE margins ADD COLUMN level TEXT")
    connection.execute("ALTER TABLE margins ADD COLUMN level_since_ms INTEGER NOT NULL DEFAULT 0")


def m017_digests(connection: Connection) -> None:
    """When the newest daily digest was made."""
    connection.execute("CREATE TABLE digests (made_ms INTEGER PRIMARY KEY) STRICT")


def m018_day_summaries(connection: Connection) -> None:
    """summary: of a day, for readers that need all of its numbers; see store/summary_format.py."""
    connection.execute("ALTER TABLE rollups ADD COLUMN summary BLOB")


def m019_incidents_end(connection: Connection) -> None:
    """Without this index the end of one incident reads all transitions."""
    connection.execute("CREATE INDEX transitions_by_incident ON transitions (incident)")


def m020_journal(connection: Connection) -> None:
    """The journal holds segments (protocol/segment.py) of a boot. time_ms: of the last snapshot in it."""
    from buddywatch.store.journal_migration import finish

    finish(connection)


def m021_bridges(connection: Connection) -> None:
    """What was pushed to other engines. ranges: of frames, as JSON; see store/bridges.py."""
    connection.execute(
        """CREATE TABLE bridges (
            name TEXT PRIMARY KEY, event_id INTEGER NOT NULL, transition_id INTEGER NOT NULL, pushed_ms INTEGER,
            set_aside INTEGER NOT NULL, error TEXT NOT NULL) STRICT, WITHOUT ROWID"""
    )
    connection.execute(
        """CREATE TABLE bridge_frames (
            bridge TEXT NOT NULL, boot INTEGER NOT NULL REFERENCES boots, ranges TEXT NOT NULL,
            PRIMARY KEY (bridge, boot)) STRICT, WITHOUT ROWID"""
    )


MIGRATIONS = (
    m001_initial, m002_link_health, m003_parts, m004_bounded_reads, m005_stored_ranges, m006_heard, m007_endings,
    m008_losses, m009_passed, m010_unheard_links, m011_deliveries, m012_forecasts, m013_chunks, m014_acknowledgements,
    m015_rollups, m016_margin_levels, m017_digests, m018_day_summaries, m019_incidents_end, m020_journal,
    m021_bridges,
)  # fmt: skip


def schema_version(connection: Connection) -> int | None:
    """The number of the last step taken; 0: an empty file; None: a database of another program."""
    # In this order: another process may take the first step between the two queries, and it writes both at once.
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return None
    return int(connection.execute("SELECT max(number) FROM migrations").fetchone()[0])


def migrate(connection: Connection, tell: Callable[[str], None] = lambda line: None, last: int | None = None) -> None:
    """Run the missing steps, up to number `last` if that is given. After an error each is either done or not begun.

    tell: called with a line where a step takes long.
    """
    for number, step in enumerate(MIGRATIONS[:last], 1):
        if step is m020_journal and (schema_version(connection) or 0) < number:
            from buddywatch.store.journal_migration import move_rows  # no command but the first one needs it

            move_rows(connection, tell)  # in steps of its own, as it takes long
        connection.execute("BEGIN IMMEDIATE")  # from here on no other process can take the same step
        try:
            if (schema_version(connection) or 0) < number:
                _take(connection, number, step.__name__)
                step(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _take(connection: Connection, number: int, name: str) -> None:
    if number == 1:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        columns = "number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL"
        connection.execute(f"CREATE TABLE migrations ({columns}) STRICT")
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, name, int(time.time() * 1000)))
