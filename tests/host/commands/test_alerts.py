"""`buddywatch alerts`, `silence`, `check-config` and `test-alert`."""

import json
import time

import pytest
from boards import BOOT_ID, boot, config, refused, snapshot
from buddywatch.cli import main
from buddywatch.config.load import load
from buddywatch.model.samples import OVERWRITTEN, Gap
from configfiles import EVERY_KEY, fill
from feeder import Feeder


@pytest.fixture
def past(store):
    """An alert that is over, a loss, and an alert that lasts: what the rules make of a board's snapshots."""
    feeder = Feeder(store, config(tight="off", clear_samples=1))
    feeder.play(boot(), refused(1), refused(2), snapshot(3))
    feeder.feed(Gap(BOOT_ID, 4, 9, OVERWRITTEN, feeder.time))
    feeder.play(refused(10), refused(11))
    return store


def test_alerts_lists_what_is_and_was_wrong(buddywatch, past):
    result = buddywatch("alerts")
    assert result.code == 0
    heading, *rows = result.lines
    assert heading.split() == ["id", "since", "board", "rule", "severity", "state", "for", "what"]
    assert [row.split()[4:8] for row in rows] == [
        ["xp", "refused", "critical", "closed"],
        ["xp", "lost", "warning", "once"],
        ["xp", "refused", "critical", "open"],
    ]
    assert "frames 4 to 9 of boot 0000b001 lost" in rows[1]
    assert rows[2].endswith("would fail, short by 5 pages")


def test_alerts_open_lists_those_that_last(buddywatch, past):
    (alert,) = buddywatch("alerts", "--open", "--json").json["alerts"]
    assert list(alert) == [
        *("id", "board", "rule", "need", "severity", "state", "opened", "closed", "text", "last_told", "acknowledged"),
    ]
    assert (alert["board"], alert["rule"], alert["need"], alert["state"]) == ("xp", "refused", "rm", "firing")
    assert alert["closed"] is None


def test_alerts_json_has_all(buddywatch, past):
    alerts = buddywatch("alerts", "--json").json
    assert [alert["state"] for alert in alerts["alerts"]] == ["ok", "noted", "firing"]
    assert alerts["silences"] == []


def test_no_alert_is_said(buddywatch, store):
    assert buddywatch("alerts").lines == ["no alert"]


def test_alerts_escape_what_a_board_sent(buddywatch, store):
    feeder = Feeder(store, config(tight="off"))
    feeder.play(boot(), refused(1))
    store._run(
        "INSERT INTO incidents VALUES (NULL, ?, 'lost', '', 'warning', 'noted', 0, 0, ?, NULL, NULL)",
        ("\x1b[2J", "\x9bx"),
    )
    out = buddywatch("alerts").out
    assert "\\x1b[2J" in out and "\\x9bx" in out
    assert out.replace("\n", "").isprintable()


# --- silence ---


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
    result = buddywatch("silence", "xp", "all", "--for", "999999999d", "--because", "x")
    assert (result.code, result.out) == (2, "")
    assert "'999999999d': expected at most 3650d" in result.err and result.err.count("\n") == 1
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


def test_an_alert_that_somebody_looks_after_is_shown_as_known(buddywatch, past):
    result = buddywatch("silence", "--ack", "3", "--because", "Ann is on it")
    assert result.out == "xp: no reminders of alert 3 (refused of rm) until it ends\n"
    assert buddywatch("alerts", "--open", "--json").json["alerts"][0]["acknowledged"] == "Ann is on it"
    assert " known " in buddywatch("alerts", "--open").lines[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["xp"], "expected BOARD and RULE, or --end ID, or --ack ID"),
        (["xp", "all"], "expected --for and --because with BOARD and RULE"),
        (["xp", "gone", *BRIEF], "RULE: read 'gone', expected one of kernel_failure, refused"),
        (["xp", "silent:rm2", *BRIEF], "RULE: read 'silent:rm2'"),
        (["nobody", "all", *BRIEF], "nobody"),
        (["xp", "all", *BRIEF, "--from", "soon"], "--from: 'soon': expected a duration"),
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


# --- check-config ---


def test_check_config_shows_what_is_in_effect_as_a_configuration(buddywatch, tmp_path):
    fill(tmp_path)
    buddywatch.config.write_text(EVERY_KEY)
    result = buddywatch("check-config")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == f"# {buddywatch.config}: valid"
    again = tmp_path / "again.toml"
    again.write_text(result.out)
    meant, shown = load(buddywatch.config, {}), load(again, {})
    assert shown.collector.db == buddywatch.db  # --db wins
    for part in ("boards", "needs", "alert", "mail", "hooks"):
        assert getattr(shown, part) == getattr(meant, part)
    assert shown.collector.links == meant.collector.links


def test_check_config_never_shows_the_password(buddywatch, tmp_path):
    fill(tmp_path)
    buddywatch.config.write_text(EVERY_KEY)
    result = buddywatch("check-config")
    assert (tmp_path / "secret").read_text().strip() not in result.out
    assert f'password_file = "{tmp_path / "secret"}"' in result.lines


def test_check_config_tells_everything_that_is_wrong(buddywatch):
    buddywatch.config.write_text('[mail]\nto = 3\npassword = "open sesame"\n[alert]\nhold_samples = 0\nhold = 1\n')
    result = buddywatch("check-config")
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert len(lines) > 4
    assert all(line.startswith(f"buddywatch: {buddywatch.config}: ") for line in lines)
    assert "sesame" not in result.err


def test_check_config_sees_to_every_link(buddywatch):
    buddywatch.config.write_text('[collector]\nlinks = ["tcp://10.0.0.7:2323?board=xp", "gopher://x", "tcp://x"]\n')
    result = buddywatch("check-config")
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert [line.split(": ")[1:4] for line in lines] == [
        [str(buddywatch.config), "[collector] links", "gopher://x"],
        [str(buddywatch.config), "[collector] links", "tcp://x"],
    ]


def test_check_config_without_a_file_shows_the_defaults(buddywatch, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert main(["check-config"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# no configuration file: these are the defaults\n# nobody gets the alerts")
    assert "bytes = 61440" in out


def test_check_config_notes_a_password_that_is_not_there(buddywatch, monkeypatch):
    monkeypatch.delenv("BW_PASSWORD", raising=False)
    buddywatch.config.write_text(
        '[mail]\nto = ["a@example.org"]\nfrom = "b@example.org"\nserver = "mail.example.org"\n'
        'user = "x"\npassword_env = "BW_PASSWORD"\n'
    )
    result = buddywatch("check-config")
    assert result.code == 0
    assert "# mail cannot log in when started from here: environment variable BW_PASSWORD is not set" in result.out


def test_a_missing_password_file_stops_only_commands_that_send_mail(buddywatch, store):
    buddywatch.config.write_text(
        '[mail]\nto = ["a@example.org"]\nfrom = "b@example.org"\nserver = "mail.example.org"\n'
        'user = "x"\npassword_file = "gone"\n[[board]]\nname = "xp"\nsecret_file = "lost"\n'
    )
    for command in (["status"], ["alerts"], ["history", "xp"], ["log", "xp"]):
        assert buddywatch(*command).err == ""
    folder, reason = buddywatch.config.parent, "cannot be read (No such file or directory)"
    wrong = [
        f"buddywatch: {buddywatch.config}: [[board]] #1 secret_file: {folder}/lost {reason}",
        f"buddywatch: {buddywatch.config}: [mail] password_file: {folder}/gone {reason}",
    ]
    checked = buddywatch("check-config")
    assert (checked.code, checked.err.splitlines()) == (1, wrong)
    for command in (["test-alert"], ["collect", "--for", "1", "tcp://127.0.0.1:1"]):
        result = buddywatch(*command)
        assert (result.code, result.err) == (2, f"{wrong[0]} (and 1 more: buddywatch check-config)\n")


# --- test-alert ---


def test_test_alert_really_sends(buddywatch, tmp_path):
    buddywatch.config.write_text(f'[[hook]]\nname = "keep"\ncommand = ["sh", "-c", "cat > {tmp_path}/sent"]\n')
    result = buddywatch("test-alert")
    assert (result.code, result.lines) == (0, ["hook:keep: sent"])
    assert json.loads((tmp_path / "sent").read_text())


def test_test_alert_that_fails_is_code_4_with_a_line_for_each_way(buddywatch):
    buddywatch.config.write_text(
        '[[hook]]\nname = "good"\ncommand = ["cat"]\n'
        '[[hook]]\nname = "bad"\ncommand = ["sh", "-c", "echo out of paper >&2; exit 3"]\n'
    )
    result = buddywatch("test-alert")
    assert (result.code, result.out) == (4, "")
    good, bad = result.err.splitlines()
    assert good == "buddywatch: hook:good: sent"
    assert bad.startswith("buddywatch: hook:bad: failed: ") and "out of paper" in bad
