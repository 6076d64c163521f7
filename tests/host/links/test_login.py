"""The login's dialog at all the prompts there are, and where its secret comes from."""

import pytest
from buddyd import wire
from buddywatch.config.link_secret import Secret
from buddywatch.config.secret_places import SecretError
from buddywatch.links.dialog import LOGIN_S, NUDGE_S, SETTLE_S, Login, LoginError


def talk(login, *heard):
    """What is typed after each piece of text, once it has been quiet for a moment."""
    typed, now_s = [], 0.0
    for text in heard:
        login.feed(text, now_s)
        assert login.step(now_s) == b""  # not at once
        now_s += SETTLE_S
        typed.append(login.step(now_s))
    return typed


def test_name_password_shell():
    login = Login("root", "s3", 0.0)
    banner = b"\r\nuClinux\r\nxport login: "
    assert talk(login, banner, b"root\r\nPassword: ", b"\r\nLast login: now\r\n/ # ") == [b"root\n", b"s3\n", b""]
    assert login.done


@pytest.mark.parametrize("prompt", [b"/ # ", b"$ ", b"xport> ", b"[root@xport ~]# ", b"/ # \x1b[6n"])
def test_a_shell_without_a_login(prompt):
    login = Login(None, None, 0.0)
    assert talk(login, b"hello\r\n" + prompt) == [b""]
    assert login.done


def test_buddyd_instead_of_a_shell():
    login = Login("root", "s3", 0.0)
    frames = b"".join(line + b"\r\n" for line in wire.hello_lines("3f9a0c52", [("v", "1")]))
    login.feed(b"login: ", 0.0)
    login.step(SETTLE_S)
    login.feed(b"root\r\n" + frames, 1.0)
    assert login.step(1.0) == b""
    assert login.done
    assert frames in login.heard


@pytest.mark.parametrize("answer", [b"\r\nLogin incorrect\r\nlogin: ", b"\r\nlogin: ", b"\r\nPassword: "])
def test_a_rejection_is_the_end(answer):
    login = Login("root", "s3", 0.0)
    talk(login, b"login: ", b"root\r\nPassword: ")
    with pytest.raises(LoginError, match="rejects the login of root") as raised:
        talk(login, answer)
    assert raised.value.rejected
    assert "s3" not in str(raised.value)


def test_a_greeting_with_bad_words_is_no_rejection():
    login = Login("root", "s3", 0.0)
    talk(login, b"login: ", b"root\r\nPassword: ")
    assert talk(login, b"\r\nAccess by others is denied.\r\n# ") == [b""]
    assert login.done


@pytest.mark.parametrize(
    ("user", "secret", "heard", "complaint"),
    [
        (None, None, [b"login: "], "write it into the link"),
        ("root", None, [b"login: ", b"root\r\nPassword: "], "login=file:PATH or login=env:NAME"),
    ],
)
def test_what_the_link_lacks_is_told(user, secret, heard, complaint):
    with pytest.raises(LoginError, match=complaint):
        talk(Login(user, secret, 0.0), *heard)


def test_a_silent_console_is_nudged_a_few_times_and_then_left():
    login, now_s, typed = Login("root", "s3", 0.0), 0.0, []
    with pytest.raises(LoginError, match="no login prompt within"):
        while now_s < 2 * LOGIN_S:
            now_s += NUDGE_S
            typed.append(login.step(now_s))
    assert 1 < typed.count(b"\n") < 10
    assert set(typed) == {b"", b"\n"}


def test_somebody_elses_password_prompt_gets_no_secret():
    login = Login("root", "s3", 0.0)
    assert talk(login, b"Password: ", b"\r\nLogin incorrect\r\nxport login: ") == [b"\n", b"root\n"]


def test_secret_from_file_and_environment(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("open sesame\nsecond line\n")
    path.chmod(0o600)
    monkeypatch.setenv("XPORT", "let me in")
    assert Secret(f"file:{path}").read() == "open sesame"
    assert Secret("env:XPORT").read() == "let me in"


def test_a_secret_that_cannot_be_used_is_told_in_one_line(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    for content, mode, complaint in (("x\n", 0o604, "chmod 600"), ("\n", 0o600, "first line is empty")):
        path.write_text(content)
        path.chmod(mode)
        with pytest.raises(SecretError, match=complaint) as raised:
            Secret(f"file:{path}").read()
        assert "\n" not in str(raised.value)
    with pytest.raises(SecretError, match="No such file"):
        Secret(f"file:{tmp_path}/none").read()
    with pytest.raises(SecretError, match="is not set"):
        Secret("env:BUDDYWATCH_NO_SUCH").read()
    with pytest.raises(ValueError, match="login=file:PATH") as refused:
        Secret("sesame")
    assert "sesame" not in str(refused.value)
