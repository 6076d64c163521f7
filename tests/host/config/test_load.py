"""The configuration file: what each key gives, and what is in force without it."""

import dataclasses
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from buddywatch.config import load as load_module
from buddywatch.config import schema
from buddywatch.config.bridges import Bridge, FleetEngine, Pair
from buddywatch.config.load import load
from buddywatch.config.own_rules import OwnRule
from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import (
    DEFAULT_NEEDS,
    Alert,
    Board,
    Collector,
    Config,
    Group,
    Heartbeat,
    Hook,
    Mail,
    Metrics,
    Need,
    Receiver,
    Report,
    Storage,
    Window,
)
from configfiles import EVERY_KEY, fill, load_text

KEYS = [key for section in schema.SECTIONS for key in schema.keys_of(section)]
DESIGN_SAMPLE = """
[[need]]
name = "rm"
bytes = 61440

[alert]
refused = "critical"
tight = "warning"
refused_within = "2h"
kernel_failure = "critical"
silent_after = "2m"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return fill(tmp_path)


def test_sample_of_the_documentation_loads(home: Path) -> None:
    loaded = load_text(home, DESIGN_SAMPLE)
    assert loaded.needs == (Need("rm", 61440, is_program=False, boards=None),)
    assert loaded.alert == Alert(refused_within_s=7200)


EVERY_ALERT = Alert(
    refused="warning",
    tight="off",
    kernel_failure="warning",
    silent="warning",
    silent_after_s=60,
    rebooted="off",
    lost="critical",
    refused_within_s=7200,
    hold_samples=3,
    clear_samples=9,
    repeat_after_s=0,
    batch_s=60,
    per_hour=5,
    quiet=(22 * 60, 7 * 60 + 30),
    digest=8 * 60 + 15,
)


EVERY_GROUP = (Group("xps", ("xp-*",), (("tight", "warning"), ("silent_after_s", 300))),)
EVERY_RULE = (
    OwnRule(
        "blocks",
        "free_blocks",
        block=65536,
        below=3,
        clear=5,
        for_s=120,
        clear_for_s=600,
        severity="critical",
        boards=("roof-*",),
        groups=("xps",),
        do="Stop the player.",
    ),
    OwnRule("leak", "margin_pages", need="rm", above=20, within_s=3600),
)


XP_07 = Board("xp-07", "old", 8192, ("rm", "player"), alert=(("silent_after_s", 600),))
HQ = Bridge(
    "hq", "https://hq.example.org:8428/write", "roof", ("xp-*",), 20, "remote-write", 120, scheme="Token", timeout_s=10
)


def test_every_key_arrives(home: Path) -> None:
    assert load_text(home, EVERY_KEY) == Config(
        storage=Storage(30 * 86_400, 60 * 86_400, 365 * 86_400, 2 << 20),
        collector=Collector(
            home / "data/buddy.db", ("serial:///dev/ttyUSB0?baud=115200", "telnet://10.0.0.7:2323"), 90, 30
        ),
        boards=(replace(XP_07, secret_file=home / "board-secret"), Board("xp-08")),
        groups=EVERY_GROUP,
        rules=EVERY_RULE,
        needs=(
            Need("rm", 61440, is_program=True, boards=("xp-07",)),
            Need("player", 61440, is_program=False),
            Need("buffer", 131072, is_program=False),
        ),
        alert=EVERY_ALERT,
        mail=Mail(
            to=("you@example.org", "root"),
            sender="board-watch@example.org",
            server="mail.example.org",
            port=2525,
            security="none",
            user="watch",
            password_file=home / "secret",
            allow_clear_login=True,
            ca_file=home / "ca.pem",
            timeout_s=60,
        ),
        hooks=(Hook("page", ("/bin/sh", "-q"), timeout_s=5),),
        windows=(Window(23 * 60 + 30, 60, ("sat", "sun"), ("xp-07",)),),
        receivers=(
            Receiver("ops", ("critical",), ("xp-*",), ("ops@example.org",), timeout_s=10),
            Receiver("chat", webhook="https://chat.example.org/hook", sign_file=home / "chat-key"),
            Receiver("log", syslog="/dev/log"),
            Receiver("archive", file=home / "alerts.jsonl"),
        ),
        bridges=(replace(HQ, token_file=home / "hq-token", ca_file=home / "ca.pem"),),
        fleet=FleetEngine("https://hq.example.org:8428", home / "hq-token", "Token", home / "ca.pem", 20),
        pair=Pair("spare", 180),
        heartbeat=Heartbeat(300, "https://alive.example.org/buddywatch", home / "alive"),
        metrics=Metrics("[::1]:9999"),
        report=Report(390, ("tue", "fri"), 3 * 86400, ("boss@example.org",)),
        path=home / "config.toml",
    )


def test_every_key_sample_has_every_key_but_the_other_mail_ways() -> None:
    used = {
        (section, name)
        for section, content in tomllib.loads(EVERY_KEY).items()
        for table in (content if isinstance(content, list) else [content])
        for name in table
    }
    assert {(key.section, key.name) for key in KEYS} - used == {
        ("mail", "password_env"),
        ("mail", "command"),
    }


def test_program_need_counts_as_exec_unless_said_otherwise(home: Path) -> None:
    loaded = load_text(home, '[[need]]\nname = "player"\nprogram = "player.flat"')
    assert loaded.needs == (Need("player", 61440, is_program=True),)


def test_needs_of_a_board_are_those_meant_for_it(home: Path) -> None:
    loaded = load_text(home, EVERY_KEY)
    names = {board: [need.name for need in loaded.needs_of(board)] for board in ("xp-07", "xp-08", "unknown")}
    assert names == {"xp-07": ["rm", "player"], "xp-08": ["player", "buffer"], "unknown": ["player", "buffer"]}


def test_unknown_board_has_the_defaults(home: Path) -> None:
    assert load_text(home, EVERY_KEY).board("unknown") == Board("unknown")


def test_without_a_file_all_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "SYSTEM_CONFIG", tmp_path / "none.toml")
    loaded = load(None, {"HOME": str(tmp_path)})
    assert loaded == Config(Collector(tmp_path / ".local/share/buddywatch/buddywatch.db"))
    assert loaded.needs == DEFAULT_NEEDS == (Need("rm", 61440, is_program=True),)


def test_empty_file_is_all_default(home: Path) -> None:
    loaded = load_text(home, "")
    assert loaded == Config(Collector(home / ".local/share/buddywatch/buddywatch.db"), path=home / "config.toml")


def test_file_with_byte_order_mark_loads(home: Path) -> None:
    assert load_text(home, "\ufeff[alert]\nlost = 'off'").alert.lost == "off"


def test_default_file_is_the_users_then_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, users, xdg = tmp_path / "etc.toml", tmp_path / ".config/buddywatch", tmp_path / "xdg/buddywatch"
    monkeypatch.setattr(load_module, "SYSTEM_CONFIG", system)
    env = {"HOME": str(tmp_path)}
    assert load_module.default_config_path(env) is None
    system.write_text("")
    assert load_module.default_config_path(env) == system
    for folder in (users, xdg):
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text("")
    assert load_module.default_config_path(env) == users / "config.toml"
    assert load_module.default_config_path({**env, "XDG_CONFIG_HOME": str(tmp_path / "xdg")}) == xdg / "config.toml"
    assert load_module.default_config_path({**env, "XDG_CONFIG_HOME": "xdg"}) == users / "config.toml"
    assert load(None, env).path == users / "config.toml"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.local/share/buddywatch/buddywatch.db"),
        ({"HOME": "/home/a", "XDG_DATA_HOME": "/data"}, "/data/buddywatch/buddywatch.db"),
        ({"HOME": "/home/a", "XDG_DATA_HOME": "data"}, "/home/a/.local/share/buddywatch/buddywatch.db"),
        ({"HOME": "/home/a", "STATE_DIRECTORY": "/var/lib/buddywatch"}, "/var/lib/buddywatch/buddywatch.db"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_DATA_HOME": "/data"}, "/var/lib/a/buddywatch.db"),
    ],
)
def test_default_database_place(env: dict[str, str], expected: str) -> None:
    assert load_module.default_db_path(env) == Path(expected)


def test_tilde_is_the_home_folder(home: Path) -> None:
    assert load_text(home, '[collector]\ndb = "~/b.db"').collector.db == home / "b.db"


def test_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "gone.toml", {})
    assert caught.value.lines == [
        f"{tmp_path}/gone.toml: cannot be read (No such file or directory); create it or leave out --config"
    ]


@pytest.mark.parametrize("section", schema.SECTIONS)
def test_every_field_is_a_key_with_a_meaning(section: str) -> None:
    keys = schema.keys_of(section)
    assert [key.attribute for key in keys] == [field.name for field in dataclasses.fields(schema.SECTIONS[section])]
    assert len({key.name for key in keys}) == len(keys)
    assert all(key.meaning and key.kind.expected for key in keys)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.section}.{key.name}")
def test_default_in_the_reference_is_what_a_file_with_it_gives(key: schema.Key) -> None:
    field = {field.name: field for field in dataclasses.fields(schema.SECTIONS[key.section])}[key.attribute]
    if key.default:
        assert key.kind.read(tomllib.loads(f"x = {key.default}")["x"]) == field.default
    else:
        assert field.default in (None, (), dataclasses.MISSING)


def test_reference_tells_every_key_once() -> None:
    rows = schema.reference_markdown().splitlines()[2:]
    assert len(rows) == len(KEYS) == len(set(rows))
    assert '| `[alert] silent_after` | duration | `"2 min"` | see silent |' in rows
    assert "| `[mail] from` | address | required | the sender |" in rows
    assert all(row.count("|") == 5 and key.meaning for row, key in zip(rows, KEYS, strict=True))


@pytest.mark.parametrize(
    ("kept_as", "called", "expected"),
    [
        ("xp", "xp", "xp"),
        ("xp-2", "xp", "xp"),
        ("xp-99", "xp", "xp"),
        ("xp-2", "xp-2", "xp-2"),  # a board of its own
        ("xp-2", "", "xp-2"),  # nothing of it is known yet
        ("xp-3", "xp", "xp-3"),  # the file names it
        ("arm-2", "arm", "arm"),  # by a need
        ("other-2", "other", "other-2"),
        ("xp-100", "xp", "xp-100"),
        ("xp-x", "xp", "xp-x"),
    ],
)
def test_what_is_said_of_a_board_holds_for_another_one_of_that_name(
    home: Path, kept_as: str, called: str, expected: str
) -> None:
    loaded = load_text(
        home, '[[board]]\nname = "xp"\n[[board]]\nname = "xp-3"\n[[need]]\nname = "a"\nbytes = 1\nboards = ["arm"]\n'
    )
    assert loaded.name_of(kept_as, {"name": called} if called else {}) == expected
