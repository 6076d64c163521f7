"""[mail]: a login that stays secret, and the ways to send."""

import os
from pathlib import Path

import pytest
from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import Mail
from configfiles import EVERY_KEY, LOGIN, SERVER, fill, load_text, mail


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return fill(tmp_path)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o606, 0o601])
def test_password_file_open_to_others_is_refused(home: Path, mode: int) -> None:
    (home / "secret").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load_text(home, EVERY_KEY).check_files()
    (line,) = caught.value.lines
    number = EVERY_KEY.splitlines().index('password_file = "secret"') + 1
    where = f"{home}/config.toml, line {number}: [mail] password_file"
    assert line.startswith(f"{where}: {home}/secret is readable by other users ")
    assert line.endswith(f"(mode {mode:04o}); run: chmod 600 {home}/secret")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_password_file_of_owner_or_group_is_accepted(home: Path, mode: int) -> None:
    (home / "secret").chmod(mode)
    load_text(home, EVERY_KEY).check_files()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_password_file_that_may_not_be_seen_is_left_to_whoever_needs_it(home: Path) -> None:
    (home / "locked").mkdir(mode=0)
    config = load_text(home, mail(SERVER + 'user = "a"\npassword_file = "locked/secret"'))
    config.check_files()
    loaded = config.mail
    assert loaded is not None
    with pytest.raises(ConfigError, match=r"cannot be read \(Permission denied\); it must hold the mail password"):
        loaded.password()


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_login_in_clear_to_this_machine_is_accepted(home: Path, server: str) -> None:
    loaded = load_text(home, mail(f'server = "{server}"\nsecurity = "none"\n' + LOGIN))
    assert loaded.mail is not None
    assert loaded.mail.server == server


def test_mail_by_command(home: Path) -> None:
    loaded = load_text(home, mail('command = ["sendmail", "-t", "-i"]')).mail
    assert loaded == Mail(("you@example.org",), "watch@example.org", command=("sendmail", "-t", "-i"))
    assert loaded.password() is None


@pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_port_follows_from_security(security: str, port: int) -> None:
    assert Mail(("a@b",), "a@b", "m", security=security).smtp_port() == port
    assert Mail(("a@b",), "a@b", "m", security=security, port=26).smtp_port() == 26


def test_password_is_read_when_asked_and_never_shown(home: Path) -> None:
    loaded = load_text(home, EVERY_KEY)
    assert loaded.mail is not None
    assert loaded.mail.password() == "open sesame"
    (home / "secret").write_text("changed\r\nsecond line\n")
    assert loaded.mail.password() == "changed"
    assert "changed" not in repr(loaded)
    assert "sesame" not in repr(loaded)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read (No such file or directory)"), (b"\n", "the first line is empty"), (b"\xff", "not UTF-8")],
    ids=["gone", "empty", "not text"],
)
def test_password_file_that_is_no_use_is_told(home: Path, content: bytes | None, reason: str) -> None:
    loaded = load_text(home, EVERY_KEY).mail
    assert loaded is not None
    (home / "secret").unlink()
    if content is not None:
        (home / "secret").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        loaded.password()
    (line,) = caught.value.lines
    assert line.startswith(f"{home}/secret: ")
    assert reason in line


def test_password_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_text(home, mail(SERVER + LOGIN)).mail
    assert loaded is not None
    monkeypatch.setenv("MAIL_PASSWORD", "open sesame")
    assert loaded.password() == "open sesame"
    monkeypatch.delenv("MAIL_PASSWORD")
    with pytest.raises(ConfigError, match="environment variable MAIL_PASSWORD is not set"):
        loaded.password()
