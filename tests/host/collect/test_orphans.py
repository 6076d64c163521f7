"""What waits for a hello is bounded, for a link and for all together."""

import pytest
from buddywatch.collect import orphans as orphans_module
from buddywatch.collect.orphans import Orphans
from buddywatch.links.connection import Connection
from buddywatch.links.urls import open_link
from buddywatch.protocol.line_stream import Text


@pytest.fixture
def connections():
    return [Connection(open_link(f"tcp://127.0.0.1:{port}")) for port in (1, 2, 3)]


def texts(items):
    return [item.text for item, _ in items]


def test_items_of_a_link_come_back_once_in_order_with_their_time(connections):
    orphans = Orphans()
    for number in range(3):
        orphans.add(connections[0], Text(str(number)), 10.0 + number)
    assert orphans.take(connections[1]) == []
    assert orphans.take(connections[0]) == [(Text("0"), 10.0), (Text("1"), 11.0), (Text("2"), 12.0)]
    assert (orphans.take(connections[0]), len(orphans)) == ([], 0)


def test_of_a_link_the_newest_are_kept(connections, monkeypatch):
    monkeypatch.setattr(orphans_module, "ORPHANS_MAX", 3)
    orphans = Orphans()
    for number in range(5):
        orphans.add(connections[0], Text(str(number)), 0.0)
    assert len(orphans) == 3
    assert texts(orphans.take(connections[0])) == ["2", "3", "4"]


def test_all_links_together_are_bounded(connections, monkeypatch):
    monkeypatch.setattr(orphans_module, "ALL_MAX", 4)
    orphans = Orphans()
    for connection in connections:
        for number in range(2):
            orphans.add(connection, Text(str(number)), 0.0)
    assert len(orphans) <= 4
    assert texts(orphans.take(connections[2])) == ["0", "1"]
    assert orphans.take(connections[0]) == []
