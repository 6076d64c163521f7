"""`buddywatch init`: on a real terminal, against a real shell behind a telnetd and a real mail server; and by flags."""

import stat
import subprocess
import sys

import pytest
import rig
from buddywatch.config.load import load
from programfiles import flat
from runner import ENV, Runner
from smtp_server import SmtpServer
from termtools import TOP, Typist, nommu_busybox, script, server, telnetd
from waiting import DEADLINE_S

BOARD, MAIL = ("root", "open sesame"), ("alerts", "pass word 61440")
PYTHON = {"PYTHONPATH": ENV["PYTHONPATH"], "LANG": "C.UTF-8"}


def init(*arguments, env=None):
    return subprocess.run(
        [sys.executable, "-m", "buddywatch", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=DEADLINE_S, env=ENV | (env or {}), check=False,
    )  # fmt: skip


def flags(*more):
    return ("init", "--link", "tcp://127.0.0.1:9", "--no-try", *more)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "xdg" / "buddywatch"


@pytest.fixture
def login(tmp_path):
    """The port of a telnetd whose login leads to hush."""
    busybox = nommu_busybox()
    command = [sys.executable, str(TOP / "tests" / "board_login.py"), *BOARD, busybox, "hush"]
    argv, port = telnetd(busybox, script(tmp_path / "login", command, PS1="/ # "))
    with server(argv, port):
        yield port


def test_questions_on_a_terminal_lead_to_a_board_and_a_mail(folder, tmp_path, login):
    program = tmp_path / "busybox.flat"
    program.write_bytes(flat())
    env = {**PYTHON, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    with SmtpServer(login=MAIL) as mails:
        typist = Typist([sys.executable, "-m", "buddywatch", "init"], **env)
        shown = b""
        try:
            for question, answer in (
                (b"link: ", "nonsense"),
                (b"link: ", f"hush://root@127.0.0.1:{login}/?interval=1"),
                (b"none): ", BOARD[1]),
                (b"calls itself]: ", "roof!"),
                (b"calls itself]: ", "roof"),
                (b"exec]: ", f"httpd=200k,{program}"),
                (b"[nobody]: ", "you@example.org"),
                (b"]: ", f"{MAIL[0]}@127.0.0.1:{mails.port}"),
                (b"none): ", MAIL[1]),
            ):
                shown += typist.read_until(question)
                typist.type(answer.encode() + b"\n")
            shown += typist.read_until(b"start it with the machine")
        finally:
            typist.close()
        (mail,) = mails.wait_for_mails(1)
    assert mail.user == MAIL[0] and mail.recipients == ["you@example.org"]
    text = shown.decode()
    assert "expected serial:///" in text and "expected a name of letters" in text
    assert "roof: Linux" in text and "free " in text and "httpd (needs " in text
    assert "mail: sent to you@example.org" in text and "buddywatch collect" in text
    config = (folder / "config.toml").read_text()
    for secret in (BOARD[1], MAIL[1]):
        assert secret not in text + config
    found = load(folder / "config.toml", {})
    assert [(need.name, need.is_program) for need in found.needs] == [("httpd", False), ("busybox.flat", True)]
    assert found.boards[0].name == "roof" and "board=roof" in found.collector.links[0]
    for name, secret in (("board-password", BOARD[1]), ("mail-password", MAIL[1])):
        assert (folder / name).read_text() == secret + "\n"
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert {path.name for path in folder.iterdir()} == {"config.toml", "board-password", "mail-password"}


def test_the_end_of_the_answers_writes_nothing(folder, tmp_path):
    env = {**PYTHON, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    typist = Typist([sys.executable, "-m", "buddywatch", "init"], **env)
    try:
        typist.read_until(b"link: ")
        typist.type(b"tcp://127.0.0.1:9\n")
        typist.read_until(b"calls itself]: ")
        typist.type(b"\x04")
        typist.read_until(b"no answer; nothing was written")
        assert typist.process.wait(DEADLINE_S) == 2
    finally:
        typist.close()
    assert not folder.exists()


@pytest.mark.parametrize("named", [True, False])
def test_flags_alone_write_a_valid_configuration(tmp_path, named):
    path = tmp_path / "xdg" / "buddywatch" / "config.toml"
    where = ("--config", str(path)) if named else ()
    found = init(*where, *flags(), env={"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert found.returncode == 0, found.stderr
    assert f"{path}: written" in found.stdout and ("--config" in found.stdout) is named
    checked = init("--config", str(path), "check-config")
    assert checked.returncode == 0 and 'links = ["tcp://127.0.0.1:9"]' in checked.stdout
    assert '[[need]]\nname = "rm"\nbytes = 61440\nexec = true' in checked.stdout


def test_every_flag_is_in_the_configuration(tmp_path):
    for name in ("board", "mail"):
        (tmp_path / name).write_text("secret\n")
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "a.toml"
    found = init(
        "--config", str(path), "--db", str(tmp_path / "a.db"), "init", "--no-try",
        "--link", "hush://root@192.0.2.7", "--login-file", str(tmp_path / "board"), "--name", "roof",
        "--need", "rm=60k:exec", "--need", "sh=100000", "--mail-to", "you@example.org", "--mail-to", "me@example.org",
        "--mail-from", "a@example.org", "--mail-server", "me@example.org@mail.example.org:465",
        "--mail-password-file", str(tmp_path / "mail"),
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    config = load(path, {})
    config.check_files()
    assert config.collector.links == (f"hush://root@192.0.2.7?login=file:{tmp_path}/board&board=roof",)
    assert config.collector.db == tmp_path / "a.db"
    assert [(need.name, need.bytes, need.is_program) for need in config.needs] == [
        ("rm", 61440, True), ("sh", 100000, False)
    ]  # fmt: skip
    mail = config.mail
    assert (mail.to, mail.sender) == (("you@example.org", "me@example.org"), "a@example.org")
    assert (mail.server, mail.port, mail.security, mail.user) == ("mail.example.org", 465, "tls", "me@example.org")
    assert mail.password() == "secret"


def test_nothing_is_overwritten_unless_told(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("# mine\n")
    refused = init("--config", str(path), *flags())
    assert refused.returncode == 2 and "is there already, and stays as it is; --force" in refused.stderr
    assert path.read_text() == "# mine\n"
    assert init("--config", str(path), *flags("--force")).returncode == 0
    assert "tcp://127.0.0.1:9" in path.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["a.toml"]


def test_what_does_not_work_is_reported_and_the_configuration_stays(tmp_path):
    path, board, mail = tmp_path / "a.toml", rig.free_port(), rig.free_port()
    found = init(
        "--config", str(path), "init", "--link", f"tcp://127.0.0.1:{board}",
        "--mail-to", "you@example.org", "--mail-server", f"127.0.0.1:{mail}",
    )  # fmt: skip
    assert found.returncode == 4 and path.exists()
    assert f"the board does not answer: 127.0.0.1:{board}: connection refused" in found.stderr
    assert "mail: failed: " in found.stderr
    assert "collect --plain  try the board again" in found.stdout and "send the test mail again" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init"], "no terminal to ask on: name the link with --link"),
        (["init", "--link", "ftp://a"], "expected serial:///"),
        (["init", "--link", "hush://root:secret@host"], "must not contain a password"),
        (flags("--need", "rm"), "rm"),
        (flags("--need", "rm=1k", "--need", "rm=2k"), "rm: used twice"),
        (flags("--name", "a b"), "expected a name of letters"),
        (flags("--mail-to", "nobody at all"), "expected a mail address"),
        (flags("--mail-server", "user:secret@host"), "a password does not belong here"),
        (flags("--mail-to", "a@b", "--mail-server", "me@host"), "--mail-password-file"),
        (flags("--login-file", "/x"), "login"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_writes_nothing(tmp_path, arguments, said):
    found = init("--config", str(tmp_path / "a" / "a.toml"), *arguments)
    assert found.returncode == 2 and said in found.stderr and found.stderr.count("\n") == 1
    assert "secret@" not in found.stderr and not (tmp_path / "a").exists()


def test_no_password_can_be_an_argument(buddywatch: Runner):
    assert buddywatch("init", "--help").code == 0
    for option in ("--password", "--mail-password"):
        assert buddywatch("init", "--link", "tcp://127.0.0.1:9", option, "x").code == 2
