"""The output of explain for a text, for the tests of the families."""

from buddywatch.explain.answer_json import explanation_json
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines

KEYS = ("process", "pid", "requested_bytes", "order", "reason")


def failures(text):
    return explanation_json(explain(text))["failures"]


def parts(text):
    """(process, pid, bytes, order, reason) of each failure."""
    return [tuple(failure[key] for key in KEYS) for failure in failures(text)]


def told(text):
    """The whole answer on one line."""
    return " ".join(" ".join(report_lines(explain(text))).split())
