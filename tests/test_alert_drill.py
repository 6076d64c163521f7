"""Each scene of the alert drill is right, and stands in the documentation."""

import alertdrill
import docs_pages
import pytest

TABLE = docs_pages.rows(docs_pages.section(docs_pages.DOCS / "how-it-works" / "alerts.md", "The drill"))


@pytest.mark.parametrize("name", alertdrill.SCENES)
def test_what_is_sent_is_what_should_be_sent(name: str) -> None:
    result = alertdrill.play(name)
    assert result.is_right, result.sent
    assert [result.scene, result.expected] in [row[:2] for row in TABLE]
