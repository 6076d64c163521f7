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


@pytest.mark.parametrize("name", NAMES)
def test_explain_answers_each_report(tmp_path, capsys, name):
    buddywatch, report, expected = Runner(tmp_path, capsys), str(REPORTS / f"{name}.txt"), expected_of(name)
    result = buddywatch("explain", "--json", report)
    failures, states = result.json["failures"], result.json["states"]
    if expected["failures"] is not None:
        assert [{key: failure[key] for key in KEYS} for failure in failures] == expected["failures"]
    if "states" in expected:
        assert [{key: state[key] for key in STATE_KEYS} for state in states] == expected["states"]
    assert result.code == expected.get("exit_code", 1 if failures else 0)
    for_a_person = buddywatch("explain", report)
    assert for_a_person.code in (0, 1)
    assert for_a_person.out
    assert "Traceback" not in for_a_person.err


def test_every_report_has_an_answer():
    assert {path.stem for path in REPORTS.glob("*.json")} == set(NAMES)
    assert len(NAMES) >= 25
