"""docs/reference/limits.md: every limit on it is that of the code."""

import docs_pages
import pytest
from buddyd import options, ring
from buddyd.actions import desk
from buddyd.links import base, console, network, telnet_server
from buddyd.talk import conversation, secret
from buddywatch.collect import boards, console_server, endings
from buddywatch.commands import collect, explain
from buddywatch.links import backoff, connection, guarded, listen, login, urls
from buddywatch.notify.outbox import PERMANENT_LIMIT_S
from buddywatch.protocol import board_tracker, bounds, command_call, reassembly, refetch
from buddywatch.store.write import CONSOLE_LINES_MAX
from buddywatch.terminal import line_writer

DAY_CS = 8_640_000
PAGE = docs_pages.DOCS / "reference" / "limits.md"
BOARD = [
    f"{telnet_server.CLIENTS_MAX}",
    f"{telnet_server.BUSY_MS // 1000} s",
    f"{telnet_server.SILENT_MS // 60_000} minutes",
    f"{telnet_server.WAITING_MAX}",
    f"{telnet_server.ACCEPTS_A_SECOND}",
    f"{network.IDLE_MS // 60_000} minutes",
    f"{network.WATCH_MS // 60_000} minutes",
    f"{network.STALLED_MS // 60_000} minutes",
    f"{network.PROVE_MS // 1000} seconds",
    f"{conversation.INPUT_MAX} characters",
    f"{network.LINES_A_SECOND}",
    f"{10 * network.LINES_A_SECOND}",
    f"{console.LINES_A_POLL}",
    "1",  # commands.Commands has one desk, and a desk one command
    f"{desk.PARTS_MAX * desk.PART_BYTES} bytes with who gives it and its code",
    f"{desk.WAITS_MS // 1000} s",
    f"{secret.SECRET_MIN} to {secret.SECRET_MAX} characters",
    f"{options.INTERVAL_MIN_MS} ms to {options.INTERVAL_MAX_MS // 86_400_000} day",
    f"{ring.SIZE_MIN} bytes to {options.RING_MAX >> 20} MB",
    f"{base.RETRY_MIN_MS // 1000} s to {base.RETRY_MAX_MS // 1000} s",
]
PC = [
    f"{listen.CONNECTIONS_MAX} at once",
    f"{guarded.PROVE_S:.0f} s",
    f"{console_server.CLIENTS_MAX} at once",
    f"{console_server.COMMANDERS_MAX} at once",
    f"{command_call.SILENT_S:.0f} s",
    f"{console_server.TYPED_MAX} characters",
    f"{CONSOLE_LINES_MAX:,}",
    f"{urls.EXEC_MAX} bytes",
    f"{refetch.FRAMES_MAX}",
    f"up to {backoff.LONGEST_S:.0f} s",
    f"{login.REJECTED_REST_S / 60:.0f} minutes",
    f"{login.REST_S:.0f} s at least",
    f"every {connection.KEEPALIVE_S:.0f} s",
    f"{4 * bounds.UPTIME_MAX_CS // (1461 * DAY_CS)} years",
    f"{bounds.INTERVAL_MAX_CS // DAY_CS} days",
    f"{bounds.FACTS_MAX}",
    f"{bounds.FRAMES_MAX:,}",
    f"{board_tracker.LIVES_MAX}",
    f"{endings.GRACE_S:.0f} s, and {endings.GRACE_INTERVALS} of the board's intervals",
    f"{reassembly.HELD_MAX:,}",
    f"{boards.ROWS_MAX:,} (about 100 MB)",
    f"{boards.ASIDE_S:.0f} s",
    f"{line_writer.LINES_MAX}",
    f"{collect.DESCRIPTORS_MAX:,}, or the system's hard limit",
    f"tried for {PERMANENT_LIMIT_S // 3600} hours",
    f"{explain.MAX_BYTES >> 20} MB",
    f"{explain.WAIT_S:.0f} s",
]


@pytest.mark.parametrize(("title", "limits"), [("On the board", BOARD), ("On the PC", PC)])
def test_limits_are_those_of_the_code(title: str, limits: list[str]) -> None:
    assert [row[1] for row in docs_pages.rows(docs_pages.section(PAGE, title))] == limits
