"""The statements of the first steps of the schema; see migrations.py. They were released and never change."""

from __future__ import annotations

DATA = (
    # kernel: the id of the first of the board's boots within the same kernel boot; an agent may start several times.
    """CREATE TABLE boots (
        id INTEGER PRIMARY KEY, board TEXT NOT NULL, boot_id TEXT NOT NULL, kernel INTEGER NOT NULL,
        started_ms INTEGER NOT NULL, cause TEXT NOT NULL, facts TEXT NOT NULL, UNIQUE (board, boot_id)) STRICT""",
    # vector: JSON list of the numbers on the wire; the boot's facts name its columns.
    """CREATE TABLE snapshots (
        boot INTEGER NOT NULL REFERENCES boots, seq INTEGER NOT NULL, first_seq INTEGER NOT NULL,
        time_ms INTEGER NOT NULL, uptime_ms INTEGER NOT NULL, vector TEXT NOT NULL,
        PRIMARY KEY (boot, seq)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX snapshots_by_time ON snapshots (boot, time_ms)",
    # copy: 1 for an event that was already known; its row shows that its sequence number is no gap.
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY, board TEXT NOT NULL, boot INTEGER REFERENCES boots, kernel INTEGER, seq INTEGER,
        time_ms INTEGER NOT NULL, uptime_ms INTEGER, kind TEXT NOT NULL, number INTEGER, pid INTEGER, comm TEXT,
        text TEXT NOT NULL, copy INTEGER NOT NULL, UNIQUE (boot, seq)) STRICT""",
    "CREATE INDEX events_by_time ON events (board, time_ms)",
    "CREATE INDEX events_by_kernel ON events (kernel, text)",
    """CREATE TABLE gaps (
        boot INTEGER NOT NULL REFERENCES boots, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL,
        time_ms INTEGER NOT NULL, PRIMARY KEY (boot, first)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE console (
        id INTEGER PRIMARY KEY, board TEXT NOT NULL, time_ms INTEGER NOT NULL, text TEXT NOT NULL) STRICT""",
    "CREATE INDEX console_by_board ON console (board, id)",
    """CREATE TABLE links (
        board TEXT NOT NULL, url TEXT NOT NULL, up INTEGER NOT NULL, since_ms INTEGER NOT NULL,
        PRIMARY KEY (board, url)) STRICT, WITHOUT ROWID""",
)

ALERTS = (
    # The last frame of each board that the rules have judged.
    """CREATE TABLE judged (
        board TEXT PRIMARY KEY, boot INTEGER NOT NULL REFERENCES boots, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE incidents (
        id INTEGER PRIMARY KEY, board TEXT NOT NULL, rule TEXT NOT NULL, need TEXT NOT NULL, severity TEXT NOT NULL,
        state TEXT NOT NULL, opened_ms INTEGER NOT NULL, closed_ms INTEGER, text TEXT NOT NULL, message_id TEXT,
        last_told_ms INTEGER) STRICT""",
    "CREATE INDEX incidents_open ON incidents (board) WHERE closed_ms IS NULL",
    "CREATE INDEX incidents_told ON incidents (board, last_told_ms)",
    """CREATE TABLE rule_states (
        board TEXT NOT NULL, rule TEXT NOT NULL, need TEXT NOT NULL, phase TEXT NOT NULL, count INTEGER NOT NULL,
        incident INTEGER REFERENCES incidents, PRIMARY KEY (board, rule, need)) STRICT, WITHOUT ROWID""",
    # time_ms: when it happened on the board; noted_ms: when the rule was evaluated. told: 0 while it needs a message,
    # then 1.
    """CREATE TABLE transitions (
        id INTEGER PRIMARY KEY, incident INTEGER REFERENCES incidents, board TEXT NOT NULL, rule TEXT NOT NULL,
        need TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL, severity TEXT NOT NULL,
        time_ms INTEGER NOT NULL, noted_ms INTEGER NOT NULL, boot_id TEXT, seq INTEGER, uptime_ms INTEGER,
        text TEXT NOT NULL, late INTEGER NOT NULL, told INTEGER NOT NULL) STRICT""",
    "CREATE INDEX transitions_untold ON transitions (board) WHERE told = 0",
    "CREATE INDEX transitions_by_board ON transitions (board, id)",
    """CREATE TABLE silences (
        id INTEGER PRIMARY KEY, board TEXT NOT NULL, rule TEXT NOT NULL, need TEXT NOT NULL,
        created_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, comment TEXT NOT NULL CHECK (comment <> '')) STRICT""",
    # owner: the process that is sending it.
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY, channel TEXT NOT NULL, created_ms INTEGER NOT NULL, board TEXT NOT NULL,
        subject TEXT NOT NULL, body TEXT NOT NULL, message_id TEXT NOT NULL, refs TEXT NOT NULL, payload TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed')), attempts INTEGER NOT NULL,
        next_try_ms INTEGER NOT NULL, last_error TEXT, sent_ms INTEGER, owner TEXT) STRICT""",
    "CREATE INDEX outbox_due ON outbox (next_try_ms) WHERE state IN ('waiting', 'sending')",
)

BOUNDED_READS = (
    "CREATE INDEX boots_by_board ON boots (board)",
    "CREATE INDEX events_by_kind ON events (board, kind, time_ms) WHERE copy = 0",
    "DROP INDEX events_by_kernel",  # by (kernel, text), for a query that no longer exists
    "CREATE INDEX events_of_kernel ON events (kernel) WHERE copy = 0",
    "CREATE INDEX silences_by_board ON silences (board, until_ms)",
    "CREATE INDEX outbox_by_state ON outbox (state, next_try_ms)",
)
