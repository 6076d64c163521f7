"""`buddywatch silence`: for a while, for a need, for several boards, planned, ended early; and `--ack`."""

import time

import pytest
from boards import BOOT_ID, boot, config, refused, snapshot
from buddywatch.model.samples import OVERWRITTEN, Gap
from feeder import Feeder


@pytest.fixture
def past(store):
    """An alert that is over, a loss, and an alert that lasts: what the rules make of a board's snapshots."""
    feeder = Feeder(store, config(tight="off", clear_samples=1))
    feeder.play(boot(), refused(1), refused(2), snapshot(3))
    feeder.feed(Gap(BOOT_ID, 4, 9, OVERWRITTEN, feeder.time))
    feeder.play(refused(10), refused(11))
    return store


@pytest.mark.parametrize(
    ("rule", "silenced"),
    [
        ("refused", {"refused"}),
        ("kernel_failure", {"kernel_failure"}),
        ("all", {"refused", "kernel_failure", "silent"}),
    ],
)
def test_silence_keeps_a_rule_quiet_for_so_long(buddywatch, past, rule, silenced):
    before = time.time()
    result = buddywatch("silence", "xp", rule, "--for", "2h", "--because", "the board is on my desk")
    assert (result.code, result.err) == (0, "")
    for name in ("refused", "kernel_failure", "silent"):
        assert past.silenced("xp", name, "rm", time.time() + 1) is (name in silenced)
        assert not past.silenced("xp", name, "rm", time.time() + 7201)
    (silence,) = past.silences(time.time())
    assert 7200 <= silence.until - before < 7260
    assert silence.comment == "the board is on my desk"


def test_silence_is_listed_with_its_reason(buddywatch, past):
    assert "all alerts are muted until" in buddywatch("silence", "xp", "all", "--for", "1h", "--because", "x\x1b").out
    assert buddywatch("alerts").lines[-1].startswith("silence 1: muted until ")
    assert buddywatch("alerts").lines[-1].endswith("xp: all rules, because: x\\x1b")
    (silence,) = buddywatch("alerts", "--json").json["silences"]
    assert list(silence) == ["id", "board", "rule", "need", "since", "until", "because"]
    assert (silence["board"], silence["rule"], silence["because"]) == ("xp", None, "x\x1b")


def test_bytes_that_are_no_text_are_no_reason(buddywatch, past):
    result = buddywatch("silence", "xp", "all", "--for", "2h", "--because", "x\udcff")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "--because: expected text in UTF-8, not 'x\\udcff'" in result.err


def test_silence_has_a_longest_time(buddywatch, past):
    result = buddywatch("silence", "xp", "all", "--for", "3651d", "--because", "x")
    assert (result.code, result.out) == (2, "")
    assert "'3651d': expected at most 3650d" in result.err and result.err.count("\n") == 1
    assert past.silences(time.time()) == []
    assert buddywatch("silence", "xp", "all", "--for", "3650d", "--because", "x").code == 0


def test_silence_makes_no_database(buddywatch):
    assert buddywatch("silence", "xp", "all", "--for", "1h", "--because", "x").code == 3
    assert not buddywatch.db.exists()


BRIEF = ("--for", "2h", "--because", "moving")


@pytest.mark.parametrize(
    ("board", "rule", "muted"),
    [
        ("xp", "rm", {("xp", "refused", "rm"), ("xp", "tight", "rm")}),
        ("xp", "refused:rm", {("xp", "refused", "rm")}),
        ("xp", "refused:rm,silent", {("xp", "refused", "rm"), ("xp", "silent", None)}),
        ("x*", "silent", {("xp", "silent", None), ("x-2", "silent", None)}),
        (
            "xp,x-2",
            "tight",
            {("xp", "tight", "rm"), ("xp", "tight", "sh"), ("x-2", "tight", "rm"), ("x-2", "tight", "sh")},
        ),
    ],
)
def test_silence_is_of_a_need_a_pattern_or_several_boards(buddywatch, past, board, rule, muted):
    buddywatch.config.write_text(
        '[[board]]\nname = "x-2"\n[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "sh"\nbytes = 4096\n'
    )
    assert buddywatch("silence", board, rule, *BRIEF).code == 0
    alerts = [
        (name, *alert)
        for name in ("xp", "x-2", "other")
        for alert in (("refused", "rm"), ("refused", "sh"), ("tight", "rm"), ("tight", "sh"), ("silent", None))
    ]
    assert {alert for alert in alerts if past.silenced(*alert, time.time())} == muted


def test_silence_can_be_planned_and_ended_early(buddywatch, past):
    result = buddywatch("silence", "xp", "all", *BRIEF, "--from", "2099-01-01T22:00")
    assert "all alerts are muted from 2099-01-01 22:00:00" in result.out
    assert not past.silenced("xp", "refused", "rm", time.time())
    assert past.silenced("xp", "refused", "rm", past.silences(0)[0].created + 1)
    assert buddywatch("alerts").lines[-1].startswith("silence 1: muted from 2099-01-01 22:00:00")
    assert buddywatch("silence", "--end", "1").out.startswith("silence 1 is over")
    assert past.silences(time.time()) == []
    again = buddywatch("silence", "--end", "1")
    assert (again.code, again.err.count("\n")) == (2, 1) and "no such silence" in again.err


def test_a_planned_silence_begins_ahead(buddywatch, past):
    before = time.time()
    assert buddywatch("silence", "xp", "all", "--for", "1w2d", "--from", "2h").code == 0
    (silence,) = past.silences(before)
    assert before + 7200 <= silence.created <= time.time() + 7200
    assert silence.until - silence.created == 9 * 86_400


def test_an_alert_that_somebody_looks_after_is_shown_as_known(buddywatch, past):
    result = buddywatch("silence", "--ack", "3", "--because", "Ann is on it")
    assert result.out == "xp: no reminders of alert 3 (refused of rm) until it ends\n"
    assert buddywatch("alerts", "--open", "--json").json["alerts"][0]["acknowledged"] == "Ann is on it"
    assert " known " in buddywatch("alerts", "--open").lines[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["xp"], "expected BOARD and RULE, or --all, --end ID or --ack ID"),
        (["xp", "all", "--all"], "expected BOARD and RULE, or --all"),
        (["xp", "gone", *BRIEF], "RULE: read 'gone', expected one of kernel_failure, refused"),
        (["xp", "silent:rm2", *BRIEF], "RULE: read 'silent:rm2'"),
        (["xp", "silent,gone", *BRIEF], "RULE: read 'gone', expected one of"),
        (["xp", ",", *BRIEF], "expected BOARD and RULE, or --all"),
        ([",", "rm", *BRIEF], "expected BOARD and RULE, or --all"),
        (["nobody", "all", *BRIEF], "nobody"),
        (["xp", "all", *BRIEF, "--from", "soon"], "--from: 'soon': expected a duration"),
        (["xp", "all", *BRIEF, "--from", "2020-01-01"], "--from 2020-01-01: this silence would be over already"),
        (["--ack", "3"], "expected --because TEXT with --ack"),
        (["--ack", "1", "--because", "x"], "no such alert is open"),
    ],
)
def test_silence_says_what_it_expects(buddywatch, past, arguments, said):
    result = buddywatch("silence", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert said in result.err


def test_configured_board_can_be_silenced_before_it_is_heard(buddywatch, store):
    buddywatch.config.write_text('[[board]]\nname = "new"\n')
    assert buddywatch("silence", "new", "silent", "--for", "1d", "--because", "not there yet").code == 0
