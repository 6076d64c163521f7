"""`make mutants`: which faults it makes, and what it says of those that no test notices."""

import textwrap
from pathlib import Path

import mutants
import mutations
import pytest


def changed(source: str, kind: str = "") -> list[tuple[str, str]]:
    """(line, line with the fault) of each mutant of that kind."""
    found = [mutant for mutant in mutations.mutants(textwrap.dedent(source)) if mutant.kind.startswith(kind)]
    return [mutant.lines(textwrap.dedent(source))[1:] for mutant in found]


@pytest.mark.parametrize(
    ("kind", "source", "faults"),
    [
        pytest.param("comparison", "x = a < b", ["x = a <= b"], id="less"),
        pytest.param("comparison", "x = (a) >= (b)", ["x = (a) > (b)"], id="brackets"),
        pytest.param("comparison", "x = a is not b", ["x = a is b"], id="is-not"),
        pytest.param("comparison", "x = a in b", ["x = a not in b"], id="in"),
        pytest.param("comparison", "x = a <= b < c", ["x = a < b < c", "x = a <= b <= c"], id="chain"),
        pytest.param("constant", "x = 7", ["x = 8"], id="one-off"),
        pytest.param("constant", "x = True", ["x = False"], id="true"),
        pytest.param("constant", "x = 'word'", [], id="text"),
        pytest.param("sql", "x = 'PRAGMA synchronous = NORMAL'", ["x = 'PRAGMA synchronous = OFF'"], id="pragma"),
        pytest.param("sql", "x = 'SELECT MAX(a)'", ["x = 'SELECT MIN(a)'"], id="sql"),
        pytest.param("and-or", "x = a and b", ["x = a or b"], id="and"),
        pytest.param("and-or", "x = brand or band", ["x = brand and band"], id="or"),
        pytest.param("condition", "if a:\n    b()", ["if (not (a)):"], id="if"),
        pytest.param("condition", "if a < b:\n    c()", [], id="comparison-is-turned-once"),
        pytest.param("arithmetic", "x = a + b", ["x = a - b"], id="plus"),
        pytest.param("dropped", "a.b = c", ["pass"], id="attribute"),
        pytest.param("dropped", "del a.b", ["pass"], id="del"),
        pytest.param("dropped", "def f():\n    x = g()\n    return x", [], id="only-value"),
        pytest.param(
            "dropped", "def f():\n    x = 0\n    if y:\n        x = 1\n    return x", ["pass", "pass"], id="value"
        ),
        pytest.param("return", "def f(a):\n    a.g()\n    a.h()", ["return a.g()"], id="procedure"),
        pytest.param("return", "def f(a):\n    a.g()\n    return a", [], id="function"),
        pytest.param("", "def f(a: int = None) -> 7:\n    '''Words.'''", [], id="no-code"),
        pytest.param("", "raise ValueError(1 + 2)", ["pass"], id="complaint"),
    ],
)
def test_kinds_of_faults(kind: str, source: str, faults: list[str]) -> None:
    assert [new for _, new in changed(source, kind)] == faults


def test_fault_behind_wide_characters_is_where_it_belongs() -> None:
    assert changed("x = 'äöü€', a < b", "comparison") == [("x = 'äöü€', a < b", "x = 'äöü€', a <= b")]


def test_every_room_has_faults_and_tests() -> None:
    for room, parts in mutants.ROOMS.items():
        assert len(mutants.faults_of(room)) > 50, room
        for test in parts.tests:
            assert (mutants.TOP / test).exists(), test


def test_sample_is_the_same_for_the_same_seed() -> None:
    faults = mutants.faults_of("ring")
    first = mutants.sample(faults, 10, 1)
    assert first == mutants.sample(faults, 10, 1) != mutants.sample(faults, 10, 2)
    assert len({fault.mutant for fault in first}) == 10
    assert mutants.sample(faults, 10**6, 1) == faults


def fault(entry: str) -> mutants.Fault:
    path, old, new = entry.splitlines()
    return mutants.Fault("ring", path, mutations.Mutant("constant", 0, 1, "2"), 3, old[2:], new[2:])


GIVEN = "a.py\n- x = 1\n+ x = 2"


def test_survivor_with_a_reason_is_counted_and_not_listed() -> None:
    why = mutants.explanations(f"# words\n\n{GIVEN}\nNobody reads x.\nIt is for people.\n")
    assert why == {GIVEN: "Nobody reads x. It is for people."}
    lines, good = mutants.report({"ring": [fault(GIVEN)]}, {"ring": 10}, why)
    assert lines[2:] == ["| ring | 10 | 9 | 1 | 90% |", "| all | 10 | 9 | 1 | 90% |"]
    assert good


def test_survivor_without_a_reason_is_listed() -> None:
    lines, good = mutants.report({"ring": [fault(GIVEN)], "wire": []}, {"ring": 10, "wire": 10}, {})
    assert lines[-3:] == ["a.py:3 (constant)", "- x = 1", "+ x = 2"]
    assert not good


def test_too_many_survivors_are_not_good_enough_whatever_is_explained() -> None:
    lines, good = mutants.report({"ring": [fault(GIVEN), fault(GIVEN)]}, {"ring": 10}, {GIVEN: "why"})
    assert "| all | 10 | 8 | 2 | 80% |" in lines
    assert not good


@pytest.mark.parametrize(
    "text", [GIVEN, "a.py\n- x = 1\n+ x = 2\n+ y\n".replace("- ", "? ")], ids=["no-reason", "form"]
)
def test_explanation_without_a_reason_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a path, `- line`"):
        mutants.explanations(text)


def test_explanation_whose_line_has_changed_is_told() -> None:
    possible = mutants.faults_of("ring")[0].entry
    assert mutants.outdated({possible: "why"}) == []
    (line,) = mutants.outdated({possible: "why", GIVEN: "why"})
    assert line == "mutants-explained.txt: no longer a fault that can be made: a.py - x = 1 + x = 2"


def test_fault_is_noticed_or_survives_and_the_tree_is_whole_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room of one function, of which one half is tested."""
    top = tmp_path / "top"
    (top / ".git").mkdir(parents=True)
    (top / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['slow: no']\npythonpath = ['.']\n")
    source = "def larger(a, b):\n    if a > b:\n        return a\n    return b\n\n\ndef size():\n    return 4\n"
    (top / "room.py").write_text(source)
    (top / "test_room.py").write_text("import room\n\n\ndef test_larger():\n    assert room.larger(1, 2) == 2\n")
    monkeypatch.setattr(mutants, "TOP", top)
    monkeypatch.setitem(mutants.ROOMS, "room", mutants.Room(("room.py",), ("test_room.py",)))
    trial = mutants.Trial(tmp_path / "copies", 2)
    survivors = list(trial.survivors(mutants.faults_of("room", top), trial.patience_s("room")))
    assert [fault.new for fault in survivors] == ["if a >= b:", "return 5"]
    assert (tmp_path / "copies/0/room.py").read_text() == source
    assert not (tmp_path / "copies/0/.git").exists()
    (top / "test_room.py").write_text("def test_fails():\n    assert False\n")
    with pytest.raises(ValueError, match=r"room: its tests fail without any fault: pytest test_room.py"):
        mutants.Trial(tmp_path / "more", 1).patience_s("room")
