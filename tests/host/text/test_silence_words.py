"""What a silent board's link last said, what that means, and how long its ring holds everything."""

import pytest
from buddywatch.model.links import LinkHealth, LinkState
from buddywatch.text.silence_words import link_verdict, ring_verdict

URL = "telnet://10.0.0.7:2323"


def link(error, url=URL, up=False):
    return [LinkState(url, up, 1000.0 - 840, LinkHealth(last_error=error))]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "10.0.0.7:2323: connection refused",
            "connection refused for 14 min: the board is up, the agent is gone",
        ),
        ("10.0.0.7:2323: no route to host", "no route to host for 14 min: the board, or the network to it, is down"),
        (f"{URL}: sunspots", "sunspots for 14 min"),
        ("", "down for 14 min"),
    ],
)
def test_what_the_link_last_said(error, words):
    assert link_verdict(link(error), 1000.0) == words


def test_a_shell_an_open_link_and_none():
    refused = link("connection refused", "hush://root@10.0.0.7")
    assert link_verdict(refused, 1000.0).endswith("the board is up, the telnetd is gone")
    assert link_verdict(link("", up=True), 1000.0).startswith("open for 14 min, but no data comes")
    assert link_verdict([], 1000.0) == ""


@pytest.mark.parametrize(
    ("silent_s", "words"),
    [
        (840, "if the board runs, its ring holds everything for 2 h 37 min more"),
        (20_000, "full for 2 h 43 min: if the board runs, its oldest snapshots are being lost"),
    ],
)
def test_the_ring_of_a_board_that_may_still_run(silent_s, words):
    facts = {"ring": "32768", "interval_cs": "500"}
    assert ring_verdict(facts, silent_s) == words
    assert ring_verdict({"ring": "0", "interval_cs": "500"}, silent_s) == ring_verdict({}, silent_s) == ""
