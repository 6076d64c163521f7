"""What `explain` does for a long log, counted in calls: time would depend on the machine."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text import lexer

REPORTS = sorted((Path(__file__).parents[2] / "fixtures" / "reports").glob("*.txt"))
_STAMP = re.compile(r"(?<=\[)( *)\d+(?=\.\d{6}\])")
# Measured: 94 calls for each line of the reports; 125 when the largest order was found for every failure.
_MOST_CALLS = 104


def dense(passes):
    """All reports, so many times, each time with other stamps, since the same failure pasted twice counts once."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in REPORTS]
    return "\n".join(
        _STAMP.sub(rf"\g<1>{number * 1000 + place}", text)
        for number in range(passes)
        for place, text in enumerate(texts)
    )


def calls_for(text):
    """How often each function was called, Python's and C's, by name."""
    calls = Counter()

    def count(frame, event, argument):
        if event == "call":
            calls[frame.f_code.co_name] += 1
        elif event == "c_call":
            calls[argument.__name__] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        explain(text)
    finally:
        sys.setprofile(before)
    return calls


def test_work_grows_with_the_text_and_no_faster():
    explain(dense(1))  # what is cached once
    once, twice = calls_for(dense(1)), calls_for(dense(2))
    assert once.total() * 1.8 < twice.total() < once.total() * 2.2


def test_a_line_costs_few_calls():
    text = dense(1)
    assert calls_for(text).total() / text.count("\n") < _MOST_CALLS


# Of Python's re; what looks at all of the text at once counts once.
_MOST_LOOKS = 7.5  # measured: 6.8; 10.0 when every line was searched for headers, and every mark within a word counted
_LOOKS = ("search", "match", "fullmatch", "sub", "findall", "finditer")


def test_a_line_is_looked_at_by_few_patterns():
    text = dense(1)
    calls = calls_for(text)
    assert sum(calls[name] for name in _LOOKS) / text.count("\n") < _MOST_LOOKS


@pytest.mark.parametrize(
    ("line", "most_looks"),
    [
        ("CPU    0: hi:    0, btch:   1 usd:   0", 5),
        ("[<c0106dd1>] dump_stack+0x11/0x20", 5),
        ("x" * 70, 13),  # all lines as wide as a terminal may be: it may have folded them
    ],
)
def test_a_line_that_says_nothing_costs_few_looks(line, most_looks):
    calls = calls_for(f"[  533.797044] {line}\n" * 1000)
    assert sum(calls[name] for name in _LOOKS) / 1000 < most_looks


def test_largest_order_is_found_only_when_it_is_shown():
    text = dense(1)
    assert calls_for(text)["largest_order"] == 0
    assert any(case.answer.serviceable_order is not None for case in explain(text).failures)


def test_every_kind_of_token_is_tried_at_one_kind_of_start():
    tried = [kind for _, kinds in lexer._STARTS for kind in kinds]
    assert sorted(tried) == sorted(lexer._PATTERNS)
