"""Findings as text, 78 columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.doctor.facts import Finding
from buddywatch.text.escape import wrapped

_INDENT = "   "
NOTHING = "Nothing to change was found"


def lines(findings: Sequence[Finding], unknown: Sequence[str]) -> list[str]:
    """unknown: what was not looked at, and what would tell."""
    shown: list[str] = []
    for number, finding in enumerate(findings, 1):
        shown += [*([""] if shown else []), *_finding_lines(number, finding)]
    if not findings:
        shown.append(f"{NOTHING}{' in what is known' if unknown else ''}.")
    if unknown:
        shown += ["", "Not looked at:"]
        shown += [line for what in unknown for line in wrapped(what, "- ", "  ")]
    return shown


def _finding_lines(number: int, finding: Finding) -> list[str]:
    advice = finding.advice
    shown = wrapped(advice.do, f"{number}. ", _INDENT)
    parts = [("Here", finding.found), ("Gain", advice.gain), ("Price", advice.price), ("Known", advice.certainty)]
    for title, text in parts:
        shown += wrapped(f"{title}: {text if text.endswith('.') else text + '.'}", _INDENT, _INDENT + "  ")
    if advice.line:
        shown.append(f"{_INDENT}Boot script: {advice.line}")  # never wrapped: it is to be copied
    return shown
