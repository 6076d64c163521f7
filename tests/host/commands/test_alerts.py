"""`buddywatch alerts`, `silence`, `check-config` and `test-alert`."""

import json
from dataclasses import replace

import pytest
from boards import BOOT_ID, START, boot, config, refused, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.cli import main
from buddywatch.config.load import load
from buddywatch.model.alerts import Route
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.notify.gather import MessageMaker
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


# --- what is behind one ---


def test_explain_shows_decisions_snapshots_and_messages(buddywatch, past):
    settings = config(tight="off", clear_samples=1)
    Dispatcher(past, settings, [Route("mail")], MessageMaker(past, settings).make).run(START + 100)
    result = buddywatch("alerts", "--explain", "1")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "alert 1 of xp: refused of rm, critical, over after 5 s"
    decisions = [" ".join(line.split()[3:7]) for line in result.lines if "->" in line]
    assert decisions == ["ok -> pending 1", "pending -> firing 2", "firing -> ok 3"]
    verdicts = [line.split()[2:4] for line in result.lines if " 31 47 42 64 1" in line or " 2 8 3 12" in line]
    assert verdicts[:3] == [["refused", "-5"], ["refused", "-5"], ["ok", "651"]]
    assert "mail     waiting  [buddywatch] CRIT xp: rm " in result.out
    story = buddywatch("alerts", "--explain", "1", "--json").json
    assert [change["to"] for change in story["changes"]] == ["pending", "firing", "ok"]
    assert [message["channel"] for message in story["messages"]] == ["mail"]
    assert story["alert"]["id"] == 1 and story["snapshots"][0]["verdict"] == "refused"


def test_explain_shows_the_snapshots_nearest_to_the_beginning_and_the_end_of_an_alert(buddywatch, store):
    feeder = Feeder(store, config(tight="off", clear_samples=1))
    quick = [replace(shot, time=START + shot.seq / 2) for shot in map(snapshot, range(1, 400))]
    bad = [replace(refused(seq), time=START + seq / 2) for seq in range(200, 300)]
    feeder.play(boot(), *quick[:199], *bad, *quick[299:])
    lines = buddywatch("alerts", "--explain", "1").lines
    shown = lines[lines.index("snapshots around them") + 2 : lines.index("messages") - 1]
    frames = [line.split()[1] for line in shown if line != "..."]
    assert len(frames) == 24 and shown.count("...") == 1
    assert {"198", "199", "200", "201", "202", "299", "300", "301"} < set(frames)


def test_explain_of_a_loss_and_of_nothing(buddywatch, past):
    assert "lost, warning" in buddywatch("alerts", "--explain", "2").lines[0]
    assert "none: it was muted" in buddywatch("alerts", "--explain", "2").out
    result = buddywatch("alerts", "--explain", "99")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "no alert has this number" in result.err


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
    for part in ("boards", "groups", "needs", "alert", "rules", "mail", "hooks"):
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
    assert sorted(line.partition(": ")[2].partition(": ")[0] for line in lines) == [
        *[f"{buddywatch.config}, line 1"] * 2,
        *(f"{buddywatch.config}, line {number}" for number in (2, 3, 5, 6)),
    ]
    assert "sesame" not in result.err


def test_check_config_sees_to_every_link(buddywatch):
    buddywatch.config.write_text('[collector]\nlinks = ["tcp://10.0.0.7:2323?board=xp", "gopher://x", "tcp://x"]\n')
    result = buddywatch("check-config")
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert [line.split(": ")[1:4] for line in lines] == [
        [f"{buddywatch.config}, line 2", "[collector] links", "gopher://x"],
        [f"{buddywatch.config}, line 2", "[collector] links", "tcp://x"],
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
        f"buddywatch: {buddywatch.config}, line 9: [[board]] #1 secret_file: {folder}/lost {reason}",
        f"buddywatch: {buddywatch.config}, line 6: [mail] password_file: {folder}/gone {reason}",
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
