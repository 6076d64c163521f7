"""Errors in a configuration file, and the line that reports each."""

import re
from pathlib import Path

import pytest
from buddywatch.config import schema
from buddywatch.config.load import load
from buddywatch.config.problems import ConfigError
from configfiles import LOGIN, SERVER, fill, load_text, mail, need
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return fill(tmp_path)


def lines_of(folder: Path, text: str) -> list[str]:
    """What load() complains about, without the path of the file and the number of the line."""
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text)
    prefix = re.compile(re.escape(str(folder / "config.toml")) + r"(, line [1-9][0-9]*)?: ")
    assert all(prefix.match(line) and line.isprintable() for line in caught.value.lines)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return [prefix.sub("", line, count=1) for line in caught.value.lines]


FLEET, HQ = '[fleet]\nurl = "http://hq:8428"\n', '[[bridge]]\nname = "hq"\nurl = "http://hq:8428"\n'
SITED = f'{HQ}site = "roof"\n'
ONE_BRIDGE = "[pair]: expected one [[bridge]], with a site, to the same engine"

WRONG = {
    "pair without an engine": (
        f'{SITED}[pair]\nrole = "first"\n',
        "[pair]: expected a section [fleet], which says how the engine is asked",
    ),
    "pair without a site": (f'{FLEET}{HQ}[pair]\nrole = "first"\n', ONE_BRIDGE),
    "pair with two bridges": (f'{FLEET}{SITED}{SITED.replace("hq", "b")}[pair]\nrole = "first"\n', ONE_BRIDGE),
    "pair role": (f'{FLEET}{SITED}[pair]\nrole = "third"\n', '[pair] role = "third": expected "first" or "spare"'),
    "size": (need('bytes = "60q"'), '[[need]] #1 bytes = "60q": expected a size such as 61440 or "60k"'),
    "size zero": (need("bytes = 0"), '[[need]] #1 bytes = 0: expected a size such as 61440 or "60k"'),
    "size float": (need("bytes = 1.5"), "[[need]] #1 bytes = 1.5: expected a size"),
    "size bool": (need("bytes = true"), "[[need]] #1 bytes = true: expected a size"),
    "size date": (need("bytes = 2026-01-02"), '[[need]] #1 bytes = "2026-01-02": expected a size'),
    "duration": ('[alert]\nbatch = "x"', '[alert] batch = "x": expected a duration such as 90, "2m" or "1h30m", or 0'),
    "duration zero": (
        "[alert]\nsilent_after = 0",
        '[alert] silent_after = 0: expected a duration such as 90, "2m" or "1h30m"',
    ),
    "duration negative": ("[collector]\nhole_patience = -1", "[collector] hole_patience = -1: expected a duration"),
    "severity": (
        '[alert]\nlost = "fatal"',
        '[alert] lost = "fatal": expected "critical", "warning" or "off"',
    ),
    "severity list": ("[alert]\nlost = []", '[alert] lost = []: expected "critical", "warning" or "off"'),
    "count": ("[alert]\nhold_samples = 0", "[alert] hold_samples = 0: expected a whole number, at least 1"),
    "count text": ('[alert]\nhold_samples = "2"', '[alert] hold_samples = "2": expected a whole number'),
    "rule": (
        '[[board]]\nname = "a"\nrule = "2.6"',
        '[[board]] #1 rule = "2.6": expected "old", "off2", "new" or "el6"',
    ),
    "page bytes": (
        '[[board]]\nname = "a"\npage_bytes = 5000',
        '[[board]] #1 page_bytes = 5000: expected a power of two such as 4096 or "8k"',
    ),
    "name with a space": ('[[board]]\nname = "a b"', '[[board]] #1 name = "a b": expected a name of letters, digits'),
    "name with an escape": ('[[board]]\nname = "a\\u001b"', '[[board]] #1 name = "a\\u001b": expected a name'),
    "name number": ("[[board]]\nname = 7", "[[board]] #1 name = 7: expected a name"),
    "name missing": ('[[board]]\nrule = "old"', "[[board]] #1 name: missing; expected a name of letters"),
    "name twice": (
        need("bytes = 1\n") + need("bytes = 2"),
        '[[need]] #2 name = "rm": used twice; every need has a name of its own',
    ),
    "links no list": (
        '[collector]\nlinks = "-"',
        '[collector] links = "-": expected a list of links such as ["serial:',
    ),
    "links empty text": ('[collector]\nlinks = [""]', '[collector] links = [""]: expected a list of links'),
    "path": ("[collector]\ndb = 3", "[collector] db = 3: expected a path in quotes, not empty"),
    "flag": (need('bytes = 1\nexec = "yes"'), '[[need]] #1 exec = "yes": expected true or false'),
    "key close": ('[alert]\nrefusd = "off"', '[alert] "refusd": unknown key; did you mean "refused"?'),
    "key far": (
        "[[need]]\nzzz = 1\nname = 'a'\nbytes = 1",
        '[[need]] #1 "zzz": unknown key; expected one of name, bytes, program, exec, boards',
    ),
    "section": (
        "[alerts]",
        '"alerts": unknown section; expected [collector], [storage], [[board]], [[group]], [[need]]',
    ),
    "key without section": ("x = 1", '"x": unknown section; expected [collector]'),
    "single brackets": ("[need]\nbytes = 1", "need: expected a section that starts with the line [[need]]"),
    "double brackets": ("[[alert]]", "alert: expected a section that starts with the line [alert]"),
    "no section": ("alert = 3", "alert: expected a section that starts with the line [alert]"),
    "empty list": ("need = []", "need: expected a section that starts with the line [[need]]"),
    "list of numbers": ("need = [1]", "need: expected a section that starts with the line [[need]]"),
    "syntax": ("[alert\n", "not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
    "neither bytes nor program": (need(""), "[[need]] #1 has neither bytes nor program; expected one of the two"),
    "both bytes and program": (
        need("bytes = 1\nprogram = 'player.flat'"),
        "[[need]] #1 has both bytes and program; expected one of the two",
    ),
    "program missing": (
        need('program = "gone"'),
        "[[need]] #1 program: HOME/gone: cannot be read (No such file or directory); give the path",
    ),
    "program no program": (
        need('program = "secret"'),
        "[[need]] #1 program: HOME/secret: starts with bytes 6f 70 65 6e; expected a bFLT or ELF program",
    ),
    "board's unknown need": (
        need('bytes = 1\n[[board]]\nname = "a"\nneeds = ["ls"]'),
        '[[board]] #1 needs = "ls": no such need; expected one of rm',
    ),
    "board's unknown need, none configured": (
        '[[board]]\nname = "a"\nneeds = ["ls"]',
        '[[board]] #1 needs = "ls": no such need; expected one of rm',
    ),
    "password in the file": (
        mail(SERVER + 'password = "hunter2"'),
        "[mail] password: a password does not belong here; put it into a file (chmod 600) and name that with "
        "password_file, or name an environment variable with password_env",
    ),
    "password as variable": (
        mail(SERVER + 'user = "a"\npassword_env = "hunter 2"'),
        "[mail] password_env = ...: expected a name of letters",
    ),
    "to text": (
        '[mail]\nto = "you@example.org"\nfrom = "a@b"\n' + SERVER,
        '[mail] to = "you@example.org": expected a list of mail addresses such as ["you@example.org"]',
    ),
    "to nobody": ('[mail]\nto = []\nfrom = "a@b"\n' + SERVER, "[mail] to = []: expected a list of mail addresses"),
    "to with a header": (
        '[mail]\nto = ["a@b\\nBcc: c@d"]\nfrom = "a@b"\n' + SERVER,
        '[mail] to = ["a@b\\nBcc: c@d"]: expected a list of mail addresses',
    ),
    "from with a name": (
        '[mail]\nto = ["a@b"]\nfrom = "Watch <a@b>"\n' + SERVER,
        '[mail] from = "Watch <a@b>": expected a mail address such as "you@example.org"',
    ),
    "from half": ('[mail]\nto = ["a@b"]\nfrom = "a@"\n' + SERVER, '[mail] from = "a@": expected a mail address'),
    "from missing": ('[mail]\nto = ["a@b"]\n' + SERVER, "[mail] from: missing; expected a mail address"),
    "server with port": (
        mail('server = "mail.example.org:587"'),
        '[mail] server = "mail.example.org:587": expected a host such as "mail.example.org" (its port has a key',
    ),
    "port": (mail(SERVER + "port = 65536"), "[mail] port = 65536: expected a port number from 1 to 65535"),
    "security": (mail(SERVER + 'security = "ssl"'), '[mail] security = "ssl": expected "none", "starttls" or "tls"'),
    "no way to send": (mail(""), "[mail] has neither server nor command; expected one of the two"),
    "two ways to send": (
        mail(SERVER + 'command = ["sendmail"]'),
        "[mail] has both server and command; expected one of the two",
    ),
    "command empty": (mail("command = []"), "[mail] command = []: expected a list of program and arguments such as"),
    "command with server's key": (
        mail('command = ["sendmail"]\nport = 25'),
        "[mail] port: belongs to server, which is not set; leave it out",
    ),
    "user alone": (
        mail(SERVER + 'user = "a"'),
        "[mail] user: expected one of password_file and password_env with it, found 0",
    ),
    "two passwords": (
        mail(SERVER + LOGIN + 'password_file = "secret"'),
        "[mail] user: expected one of password_file and password_env with it, found 2",
    ),
    "password alone": (
        mail(SERVER + 'password_env = "A"'),
        "[mail] password_env: expected user with it, the name to log in under",
    ),
    "login in clear": (
        mail(SERVER + LOGIN + 'security = "none"'),
        '[mail] security = "none": user and password would go to mail.example.org in clear text; '
        'use "starttls" or "tls", or set allow_clear_login = true',
    ),
    "login in clear to a name like loopback": (
        mail('server = "127.0.0.1.example.org"\n' + LOGIN + 'security = "none"'),
        "user and password would go to 127.0.0.1.example.org in clear text",
    ),
    "hook without command": ('[[hook]]\nname = "a"', "[[hook]] #1 command: missing; expected a list of program"),
    "hook in one string": (
        '[[hook]]\nname = "a"\ncommand = "page -q"',
        '[[hook]] #1 command = "page -q": expected a list of program and arguments such as ["sendmail", "-t", "-i"]',
    ),
    "long value": (
        f'[alert]\nlost = "{"x" * 500}"',
        f'[alert] lost = "{"x" * 56}...: expected "critical", "warning" or "off"',
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_in_one_line(home: Path, text: str, expected: str) -> None:
    (line,) = lines_of(home, text)
    assert expected.replace("HOME", str(home)) in line
    assert "hunter" not in line


def test_all_that_is_wrong_is_told_at_once(home: Path) -> None:
    text = need('bytes = "60q"\nexec = 1') + '\n[alert]\nlots = "off"\n' + mail("")
    assert [line.split(":")[0] for line in lines_of(home, text)] == [
        '[[need]] #1 bytes = "60q"',
        "[[need]] #1 exec = 1",
        '[alert] "lots"',
        "[mail] has neither server nor command; expected one of the two",
    ]


FILES = {
    "password file missing": (
        mail(SERVER + 'user = "a"\npassword_file = "gone"'),
        "[mail] password_file: HOME/gone cannot be read (No such file or directory)",
    ),
    "password file a folder": (
        mail(SERVER + 'user = "a"\npassword_file = "."'),
        "[mail] password_file: HOME is not a file",
    ),
    "ca file missing": (
        mail(SERVER + 'ca_file = "x.pem"'),
        "[mail] ca_file: HOME/x.pem cannot be read (No such file or directory)",
    ),
    "board's secret missing": (
        '[[board]]\nname = "a"\nsecret_file = "gone"',
        "[[board]] #1 secret_file: HOME/gone cannot be read (No such file or directory)",
    ),
}


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_missing_is_told_to_those_who_need_it_only(home: Path, text: str, expected: str) -> None:
    loaded = load_text(home, text)
    with pytest.raises(ConfigError) as caught:
        loaded.check_files()
    number = len(text.splitlines())
    assert caught.value.lines == [f"{home}/config.toml, line {number}: {expected.replace('HOME', str(home))}"]


def test_files_that_are_missing_are_told_with_all_else_that_is_wrong(home: Path) -> None:
    text = FILES["password file missing"][0] + '\n[alert]\nlost = "fatal"'
    assert [line.split(" ")[1] for line in lines_of(home, text)] == ["lost", "password_file:"]


def test_not_text_is_told(home: Path) -> None:
    (home / "config.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"config.toml: not UTF-8 text \(byte 5\); expected TOML"):
        load(home / "config.toml", {})


def test_deeply_nested_file_is_told(home: Path) -> None:
    (line,) = lines_of(home, "x = " + "[" * 100_000)
    assert line.startswith("not TOML: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    section=st.sampled_from(["[alert]", "[[need]]", "[mail]", "[[board]]", "[[hook]]", "[collector]", ""]),
    key=st.sampled_from(
        [key.name for section in schema.SECTIONS for key in schema.keys_of(section)] + ["x", "password"]
    ),
    value=st.one_of(
        st.integers().map(str),
        st.booleans().map(lambda flag: str(flag).lower()),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.text(st.characters(codec="ascii")).map(lambda text: "'" + text + "'"),
        st.sampled_from(["[]", "[[]]", "{}", "[1, 'a']", "1979-05-27T07:32:00Z", "nan", "'60k'", "'~/'", "'.'"]),
    ),
)
def test_any_value_is_accepted_or_told(tmp_path: Path, section: str, key: str, value: str) -> None:
    try:
        load_text(tmp_path, f"{section}\n{key} = {value}\n")
    except ConfigError as error:
        assert error.lines
        assert all(line.isprintable() for line in error.lines)
