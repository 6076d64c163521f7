"""`buddywatch status` and the live view list the links over which no board was heard."""

import socket
import subprocess
import sys
import time

from buddywatch.config.sections import Collector, Config
from buddywatch.model.links import UnheardLink
from buddywatch.terminal.fleet_page import fleet_lines
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.style import Style, painted
from buddywatch.terminal.view import View
from runner import ENV


def test_link_over_which_no_board_was_heard_is_told(buddywatch):
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        url = f"tcp://127.0.0.1:{closed_soon.getsockname()[1]}"
    command = [sys.executable, "-m", "buddywatch", "--db", str(buddywatch.db), "collect", "--plain", "--for", "1", url]
    assert subprocess.run(command, env=ENV, capture_output=True, check=False).returncode == 4
    said = f"link {url}: no board heard; connection refused; collect tries again"
    dead = "NO COLLECTOR RUNS, no data yet"
    assert buddywatch("status").lines == [dead, "", "no data from any board yet", "", said]
    (link,) = buddywatch("status", "--json").json["unheard_links"]
    assert link == {"url": url, "state": "down", "last_error": f"{url.removeprefix('tcp://')}: connection refused"}


def test_unheard_links_come_below_the_boards_and_are_of_none(buddywatch, store):
    store.link_state("xp-07", "tcp://10.0.0.7:2323", True, time.time())
    for link in (
        UnheardLink("serial:/dev/ttyUSB0", True, ""),
        UnheardLink("tcp://b:1", False, "tcp://b:1: no\x1b route"),
    ):
        store.set_unheard(link.url, link)
    assert buddywatch("status").lines[-3:] == [
        "",
        "link serial:/dev/ttyUSB0: no board heard; it is open, but no agent answers",
        "link tcp://b:1: no board heard; no\\x1b route; collect tries again",
    ]
    assert "no board heard" not in buddywatch("status", "xp-07").out
    assert buddywatch("status", "xp-07", "--json").json["unheard_links"] == []


def test_live_view_lists_them(store, buddywatch):
    store.set_unheard("tcp://b:1", UnheardLink("tcp://b:1", False, "b:1: no route to host"))
    fleet = FleetReader(store, Config(Collector(buddywatch.db))).fleet(time.time())
    lines = [painted(line, 80, Style(colour=False)) for line in fleet_lines(fleet, View(), 80, 24, Style())]
    assert "link tcp://b:1: no board heard; no route to host; collect tries again" in lines
