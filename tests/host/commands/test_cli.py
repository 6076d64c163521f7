"""The command line: every error is one line with its exit code, and options may stand on either side of the command."""

import os
import signal
import sqlite3
from contextlib import closing

import pytest
from boards import boot, snapshot
from buddywatch import __version__
from buddywatch.cli import COMMANDS, main
from buddywatch.store.store import Store
from runner import ENV


@pytest.fixture(autouse=True)
def no_configuration_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))


@pytest.fixture
def filled(buddywatch):
    with Store.open(buddywatch.db) as store:
        store.add_boot("xp-07", boot())
        store.add_snapshot("xp-07", snapshot(1))
    return buddywatch


def complaint(result):
    """The one line of an error."""
    assert result.out == ""
    assert result.err.startswith("buddywatch: ")
    assert result.err.count("\n") == 1
    return result.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], "required: COMMAND", id="no-command"),
        pytest.param(["frob"], "invalid choice: 'frob'", id="unknown-command"),
        pytest.param(["status", "--frob"], "--frob", id="unknown-option"),
        pytest.param(["status", "--js"], "--js", id="shortened-option"),
        pytest.param(["status", "nobody"], "no board 'nobody'; known: xp-07", id="unknown-board"),
        pytest.param(["status", "\x1b[2J"], r"no board '\\x1b[2J'", id="board-with-escape"),
        pytest.param(["history"], "required: BOARD", id="no-board"),
        pytest.param(["history", "nobody"], "no board 'nobody'; known: xp-07", id="history-unknown-board"),
        pytest.param(["history", "xp-07", "--since", "soon"], "'soon': expected a duration such as", id="bad-since"),
        pytest.param(["history", "xp-07", "--step", "x"], "'x': expected a duration such as", id="bad-step"),
        pytest.param(["history", "xp-07", "--step", "0"], "more than 0", id="no-step"),
        pytest.param(["history", "xp-07", "--csv", "--json"], "not allowed with", id="two-forms"),
        pytest.param(["silence", "xp-07"], "expected BOARD and RULE", id="silence-what"),
        pytest.param(
            ["silence", "xp-07", "rain", "--for", "1h", "--because", "x"],
            "read 'rain', expected one of",
            id="unknown-rule",
        ),
        pytest.param(["silence", "nobody", "all", "--for", "1h", "--because", "x"], "no board", id="silence-whom"),
        pytest.param(["silence", "xp-07", "all", "--for", "x", "--because", "x"], "expected a duration", id="how-long"),
        pytest.param(["silence", "xp-07", "all", "--for", "0", "--because", "x"], "more than 0", id="no-time"),
        pytest.param(["silence", "xp-07", "all", "--for", "1h", "--because", " "], "needs a comment", id="no-reason"),
        pytest.param(["need"], "required: FILE", id="need-of-what"),
        pytest.param(["need", "/nonexistent"], "/nonexistent: cannot be read", id="no-program"),
        pytest.param(["need", "x", "--page-kb", "3"], "'3': expected a power of two", id="page-size"),
    ],
)
def test_usage_error_is_one_line_and_code_2(filled, arguments, expected):
    result = filled(*arguments)
    assert expected in complaint(result)
    assert result.code == 2


def test_config_that_is_wrong_is_code_2_and_says_how_to_see_the_rest(filled):
    filled.config.write_text("[mail]\nto = 3\n[alert]\nhold_samples = 0\n")
    result = filled("status")
    assert "config.toml, line 2: [mail] to = 3: expected" in complaint(result)
    assert result.err.endswith(" more: buddywatch check-config)\n")
    assert result.code == 2


def test_config_that_does_not_exist_is_code_2(filled):
    filled.config.unlink()
    result = filled("status")
    assert "config.toml: cannot be read" in complaint(result)
    assert result.code == 2


def test_need_does_not_read_the_configuration(filled):
    filled.config.write_text("nonsense")
    assert "cannot be read" in complaint(filled("need", "/nonexistent"))


def garbage(path):
    path.write_bytes(b"not a database at all " * 100)


def foreign(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")


def newer(path):
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'm', 0)")


@pytest.mark.parametrize(
    "command", [["status"], ["history", "xp"], ["alerts"], ["silence", "xp", "all"]], ids=lambda c: c[0]
)
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda path: None, "no such file; run `buddywatch collect` first", id="missing"),
        pytest.param(lambda path: path.mkdir(), "a folder, expected a file", id="folder"),
        pytest.param(garbage, "not a database; move it away", id="garbage"),
        pytest.param(foreign, "a database of another program", id="foreign"),
        pytest.param(newer, "schema 99, this buddywatch knows up to", id="newer"),
    ],
)
def test_database_that_cannot_be_used_is_code_3_and_is_left_alone(buddywatch, command, make, expected):
    make(buddywatch.db)
    before = buddywatch.db.read_bytes() if buddywatch.db.is_file() else None
    result = buddywatch(*command, *(["--for", "1h", "--because", "x"] if command[0] == "silence" else []))
    assert f"{buddywatch.db}: {expected}" in complaint(result)
    assert result.code == 3
    assert (buddywatch.db.read_bytes() if buddywatch.db.is_file() else None) == before


def test_mail_that_cannot_be_sent_is_code_4(buddywatch):
    result = buddywatch("test-alert")
    assert "nowhere to send to" in complaint(result)
    assert result.code == 4


def test_defect_is_code_70_and_shows_where_without_a_traceback(filled, monkeypatch):
    monkeypatch.delattr("buddywatch.store.read.ReadStore.recent")
    result = filled("status")
    assert "a defect of buddywatch itself: AttributeError: 'Store' object has no attribute 'recent'" in complaint(
        result
    )
    assert result.code == 70


def test_debug_shows_the_traceback_and_the_line(filled):
    filled.db.unlink()
    result = filled("--debug", "status")
    assert result.err.startswith("Traceback")
    assert result.err.splitlines()[-1].startswith("buddywatch: ")
    assert filled("status", "--debug").err.startswith("Traceback")


@pytest.mark.parametrize("option", ["--db", "--config"])
def test_option_may_stand_before_or_after_the_command(capsys, option):
    for arguments in ([option, "/nonexistent/x", "status"], ["status", option, "/nonexistent/x"]):
        assert main(arguments) in (2, 3)
        assert "/nonexistent/x" in capsys.readouterr().err


def test_option_after_the_command_wins(filled):
    assert "/nonexistent/x" in filled("status", "--db", "/nonexistent/x").err


def test_database_of_the_configuration_is_used(filled, capsys):
    filled.config.write_text('[collector]\ndb = "buddywatch.db"\n')  # relative to the file's folder
    assert main(["status", "--config", str(filled.config)]) == 0
    assert "xp-07" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(buddywatch, command):
    result = buddywatch(command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"usage: buddywatch {command}")


def test_help_lists_commands_and_exit_codes(buddywatch):
    out = buddywatch("--help").out
    assert all(f"\n    {command}" in out for command in COMMANDS)
    assert [line.split()[0] for line in out.splitlines()[-8:]] == ["0", "1", "2", "3", "4", "70", "130", "141"]


def test_version_is_told(buddywatch):
    assert buddywatch("--version").out == f"buddywatch {__version__}\n"


# --- as a process ---


@pytest.fixture
def long_past(filled):
    """More history than a pipe holds."""
    with Store.open(filled.db) as store, store.batch():
        for seq in range(2, 3000):
            store.add_snapshot("xp-07", snapshot(seq))
    return filled


def test_reader_that_goes_away_ends_it_quietly(long_past):
    with long_past.start("history", "xp-07") as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_ctrl_c_ends_it_quietly(long_past):
    with long_past.start("history", "xp-07") as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (err, process.returncode) == ("", 130)


def test_output_that_cannot_be_written_is_said(filled):
    with open("/dev/full", "w") as full, filled.start("status", stdout=full) as process:
        err = process.stderr.read()
    assert err == "buddywatch: the output cannot be written: disk full; make room on that disk\n"
    assert process.returncode == 2


def test_terminal_without_the_characters_gets_them_escaped(filled):
    filled.config = filled.config.rename(filled.config.with_name("für.toml"))
    with filled.start("check-config", env={**ENV, "PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate()
    assert (err, process.returncode) == ("", 0)
    assert r"f\xfcr.toml: valid" in out


def test_closed_outputs_are_no_error(filled):
    with filled.start("status", stdout=None, stderr=None, preexec_fn=lambda: (os.close(1), os.close(2))) as process:
        process.wait()
    assert process.returncode == 0
