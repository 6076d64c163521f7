"""The checks of test_layering.py themselves: each finds the violation that it is for."""

import pytest
from test_layering import FILE_LINES_MAX, FUNCTION_LINES_MAX, dialect_errors, imports, too_long


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import os.path", {"os.path"}, id="dotted"),
        pytest.param("def f():\n    import socket", {"socket"}, id="late"),
        pytest.param("from buddyd import wire", {"buddyd", "buddyd.wire"}, id="from"),
        pytest.param("from . import compat", {"buddyd", "buddyd.compat"}, id="relative"),
        pytest.param("from .peer import Peer", {"buddyd.peer", "buddyd.peer.Peer"}, id="relative-module"),
    ],
)
def test_imports_finds_every_form(source: str, expected: set[str]) -> None:
    assert imports(source, "buddyd") == expected


def test_imports_climbs_to_the_parent_package() -> None:
    assert imports("from ..store import Store", "buddywatch.links") == {"buddywatch.store", "buddywatch.store.Store"}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("x = f'{1}'", id="f-string"),
        pytest.param("x = 0.5", id="float"),
        pytest.param("x = 1 / 2", id="division"),
        pytest.param("x /= 2", id="division-in-place"),
        pytest.param("x = {1, 2}", id="set"),
        pytest.param("match 1:\n    case 1: pass", id="match"),
        pytest.param("def f(a, /): pass", id="positional-only"),
        pytest.param("class A:\n    @property\n    def b(self): pass", id="property"),
        pytest.param("class A(B):\n    def b(self):\n        super().b()", id="super"),
    ],
)
def test_dialect_errors_finds(source: str) -> None:
    assert len(list(dialect_errors(source))) == 1


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param("x = 1\n" * FILE_LINES_MAX, 0, id="file-at-limit"),
        pytest.param("x = 1\n" * (FILE_LINES_MAX + 1), 1, id="file-over"),
        pytest.param("def f():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1), 0, id="function-at-limit"),
        pytest.param("def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX, 1, id="function-over"),
    ],
)
def test_too_long_counts_lines(source: str, count: int) -> None:
    assert len(list(too_long(source))) == count
