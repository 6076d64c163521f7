"""`[[rule]]`, `[[group]]` and `[board.alert]`: what they give, and the line that says what is wrong."""

from pathlib import Path

import pytest
from buddywatch.config.own_rules import WATCHED, OwnRule
from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import Alert
from buddywatch.config.toml_lines import lines_of
from configfiles import load_text

GROUPS = """
[alert]
tight = "off"
hold_samples = 5

[[group]]
name = "roofs"
boards = ["roof-*", "tower"]

[group.alert]
silent_after = "10m"
hold_samples = 3

[[group]]
name = "south"
boards = ["*-7"]

[group.alert]
hold_samples = 4

[[board]]
name = "roof-7"

[board.alert]
silent_after = "1h"
"""


def test_the_last_word_has_the_board_before_it_its_groups_one_by_one(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, GROUPS)
    assert loaded.alert_of("roof-7") == Alert(tight="off", silent_after_s=3600, hold_samples=4)
    assert loaded.alert_of("tower") == Alert(tight="off", silent_after_s=600, hold_samples=3)
    assert loaded.alert_of("cellar") == loaded.alert == Alert(tight="off", hold_samples=5)


def rule(rest: str, more: str = "") -> str:
    return f'{more}\n[[rule]]\nname = "mine"\n{rest}'


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ('value = "free_bytes"\nbelow = "300k"', 300 * 1024),
        ('value = "free_bytes"\nbelow = 4096', 4096),
        ('value = "free_bytes"\nbelow = "-200 kB"\nwithin = "1h"', -200 * 1024),
        ('value = "uptime"\nabove = "30d"', 30 * 86_400),
        ('value = "margin_pages"\nneed = "rm"\nbelow = -2', -2),
        ('value = "free_blocks"\nblock = "64k"\nbelow = 2', 2),
        ('value = "failures"\nabove = 0\nwithin = "1d"', 0),
    ],
)
def test_limits_are_in_the_unit_of_the_value(tmp_path: Path, text: str, limit: float) -> None:
    (found,) = load_text(tmp_path, rule(text)).rules
    assert found.limit == found.clear_level == limit


def test_a_rule_is_for_its_boards_and_groups_and_for_boards_with_its_need(tmp_path: Path) -> None:
    needs = '[[need]]\nname = "rm"\nbytes = 61440\nboards = ["roof-1", "tower"]\n'
    text = rule(
        'value = "margin_pages"\nneed = "rm"\nbelow = 9\nboards = ["tower"]\ngroups = ["roofs"]', GROUPS + needs
    )
    loaded = load_text(tmp_path, text)
    assert [name for name in ("tower", "roof-1", "roof-2", "cellar") if loaded.rules_of(name)] == ["tower", "roof-1"]


FREE = 'value = "free_bytes"\n'
WRONG = {
    "no limit": (rule(FREE), 2, "[[rule]] #1: expected one of above and below, found neither"),
    "two limits": (rule(FREE + "above = 2\nbelow = 1"), 2, "[[rule]] #1: expected one of above and below, found both"),
    "value": (rule('value = "free"\nbelow = 1'), 4, '[[rule]] #1 value = "free": expected "free_bytes", '),
    "unit": (rule(FREE + 'below = "2h"'), 5, '[[rule]] #1 below = "2h": expected bytes, or a size such as "300k"'),
    "count in bytes": (
        rule('value = "processes"\nabove = "1k"'),
        5,
        '[[rule]] #1 above = "1k": expected a number',
    ),
    "limit that is none": (rule(FREE + "below = true"), 5, "[[rule]] #1 below = true: expected a number, a size"),
    "limit that is no number": (rule(FREE + "below = nan"), 5, "[[rule]] #1 below = NaN: expected a number, a size"),
    "negative": (rule(FREE + "below = -1"), 5, "[[rule]] #1 below = -1: this is never less than 0"),
    "negative count": (
        rule('value = "reboots"\nwithin = "1h"\nabove = -1'),
        6,
        "[[rule]] #1 above = -1: this is never less than 0",
    ),
    "clear above": (
        rule(FREE + 'above = "1k"\nclear = "2k"'),
        6,
        '[[rule]] #1 clear = "2 kB": must not be above the limit, 1 kB, or the alert would never end',
    ),
    "clear below": (
        rule(FREE + 'below = "2k"\nclear = "1k"'),
        6,
        '[[rule]] #1 clear = "1 kB": must not be below the limit, 2 kB, or the alert would never end',
    ),
    "need missing": (
        rule('value = "margin_pages"\nbelow = 1'),
        2,
        "[[rule]] #1 need: missing; margin_pages is the value of a need",
    ),
    "need unknown": (
        rule('value = "margin_pages"\nneed = "x"\nbelow = 1'),
        5,
        '[[rule]] #1 need = "x": no such need; expected one of rm',
    ),
    "need without reason": (
        rule(FREE + 'need = "rm"\nbelow = 1'),
        5,
        "[[rule]] #1 need: free_bytes has none; leave it out",
    ),
    "block missing": (
        rule('value = "free_blocks"\nbelow = 1'),
        2,
        "[[rule]] #1 block: missing; free_blocks is the value of a block",
    ),
    "block": (
        rule('value = "free_blocks"\nblock = "60k"\nbelow = 1'),
        5,
        '[[rule]] #1 block = "60k": expected a power of two',
    ),
    "counted without a time": (
        rule('value = "reboots"\nabove = 1'),
        2,
        '[[rule]] #1 within: missing; reboots is counted within a time such as "1h"',
    ),
    "course of a forecast": (
        rule('value = "refused_in"\nneed = "rm"\nbelow = "1h"\nwithin = "1h"'),
        7,
        "[[rule]] #1 within: a forecast has no course; leave it out",
    ),
    "group": (
        rule(FREE + 'below = 1\ngroups = ["roof"]', GROUPS),
        len(GROUPS.splitlines()) + 6,
        '[[rule]] #1 groups = "roof": no such group; expected one of roofs, south',
    ),
    "no group": (
        rule(FREE + 'below = 1\ngroups = ["roof"]'),
        6,
        '[[rule]] #1 groups = "roof": no such group; there is no [[group]]',
    ),
    "name of a rule": (
        f'[[rule]]\nname = "silent"\n{FREE}below = 1',
        2,
        '[[rule]] #1 name = "silent": a rule of buddywatch is called so; choose another name',
    ),
    "all": ('[[rule]]\nname = "all"\n' + FREE + "below = 1", 2, '[[rule]] #1 name = "all": a rule of buddywatch'),
    "name of a need": (
        f'[[rule]]\nname = "rm"\n{FREE}below = 1',
        2,
        '[[rule]] #1 name = "rm": a need is called so, and `silence` takes both; choose another name',
    ),
    "name twice": (rule(FREE + "below = 1") + rule(FREE + "below = 2"), 7, '[[rule]] #2 name = "mine": used twice'),
    "key of [alert] for all boards": (
        '[[board]]\nname = "a"\n[board.alert]\nper_hour = 3',
        4,
        '[board.alert] #1 "per_hour": unknown key; expected one of refused, tight,',
    ),
    "value in [board.alert]": (
        '[[board]]\nname = "a"\n[[board]]\nname = "b"\n[board.alert]\ntight = "x"',
        6,
        '[board.alert] #2 tight = "x": expected "critical", "warning" or "off"',
    ),
    "no table": (
        '[[board]]\nname = "a"\nalert = 3',
        3,
        "[[board]] #1 alert = 3: expected a table of keys as in [alert]",
    ),
    "where silent_after was": (
        '[[board]]\nname = "a"\nsilent_after = 3',
        3,
        "[[board]] #1 silent_after: it is in a section [board.alert] behind [[board]]",
    ),
    "group without boards": (
        '[[group]]\nname = "a"',
        1,
        "[[group]] #1 boards: missing; expected a list of board names",
    ),
}


@pytest.mark.parametrize(("text", "number", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_has_its_line_and_its_key(tmp_path: Path, text: str, number: int, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    (line,) = caught.value.lines
    assert line.startswith(f"{tmp_path}/config.toml, line {number}: {expected}")


def test_lines_are_found_behind_strings_lists_and_comments_of_many_lines() -> None:
    text = '''
[mail] # not [this]
to = [
  "a",  # b = 3
  "x = [",
]
user = """
[alert]
port = 3
"""
[[hook]]
"name" = 'it = "a"'
command = [["a"],
["b"]]
[[hook]]
name = "c"
[hook.x]
y.z = {a = 1,
b = 2}
'''
    assert lines_of(text) == {
        "[mail]": 2, "[mail] to": 3, "[mail] user": 7, "[[hook]] #1": 11, '[[hook]] #1 "name"': 12,
        "[[hook]] #1 command": 13, "[[hook]] #2": 15, "[[hook]] #2 name": 16, "[hook.x] #2": 17, "[hook.x] #2 y.z": 18,
    }  # fmt: skip


@pytest.mark.parametrize("name", WATCHED)
def test_each_value_has_words_for_its_limit(name: str) -> None:
    watched = WATCHED[name]
    one = OwnRule(
        "a",
        name,
        need="rm" if watched.takes == "need" else None,
        block=65536 if watched.takes == "block" else None,
        above=7200,
        within_s=3600 if watched.is_counted else None,
    )
    assert one.condition.startswith(one.title) and "{" not in one.condition and "None" not in one.condition
