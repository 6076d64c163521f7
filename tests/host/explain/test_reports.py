"""Real failure reports of many kernels and architectures, each with its answer worked out by hand beside it."""

import json
from pathlib import Path

import pytest
from runner import Runner

REPORTS = Path(__file__).resolve().parents[2] / "fixtures" / "reports"
NAMES = sorted(path.stem for path in REPORTS.glob("*.txt"))
KEYS = ("process", "pid", "requested_bytes", "order", "verdict", "margin_pages", "reason")
STATE_KEYS = ("zone", "nr_free", "min_pages", "low_pages")


def expected_of(name):
    return json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))["expected"]


@pytest.fixture
def explain(tmp_path, capsys):
    buddywatch = Runner(tmp_path, capsys)
    return lambda name: buddywatch("explain", "--json", str(REPORTS / f"{name}.txt"))


@pytest.mark.parametrize("name", [name for name in NAMES if expected_of(name)["failures"] is not None])
def test_explain_finds_the_failures_and_their_answers(explain, name):
    told = explain(name).json["failures"]
    assert [{key: failure[key] for key in KEYS} for failure in told] == expected_of(name)["failures"]


@pytest.mark.parametrize("name", [name for name in NAMES if "states" in expected_of(name)])
def test_explain_finds_the_states(explain, name):
    told = explain(name).json["states"]
    assert [{key: state[key] for key in STATE_KEYS} for state in told] == expected_of(name)["states"]


@pytest.mark.parametrize("name", NAMES)
def test_explain_exits_with_1_where_the_kernel_refused_something(explain, name):
    result = explain(name)
    assert result.code == expected_of(name).get("exit_code", 1 if result.json["failures"] else 0)


@pytest.mark.parametrize("name", NAMES)
def test_explain_tells_a_person_about_each_report(tmp_path, capsys, name):
    result = Runner(tmp_path, capsys)("explain", str(REPORTS / f"{name}.txt"))
    assert result.code in (0, 1)
    assert result.out
    assert "Traceback" not in result.err


def test_every_report_has_an_answer():
    assert {path.stem for path in REPORTS.glob("*.json")} == set(NAMES)
    assert len(NAMES) >= 25
