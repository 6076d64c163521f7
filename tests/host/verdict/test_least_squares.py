"""Factors of columns."""

import random

import pytest
from buddywatch.verdict.least_squares import LeastSquares


def test_factors_that_made_the_values_are_found():
    chance, true = random.Random(1), {"a": -16.0, "b": 15.5, "c": 0.0, "d": 2.25}
    squares = LeastSquares(true)
    for _ in range(200):
        row = {name: chance.choice((0, 0, 1, 2)) for name in true}
        squares.add(row, sum(true[name] * amount for name, amount in row.items()) + chance.gauss(0, 0.1))
    assert squares.factors() == pytest.approx(true, abs=0.1)


def test_columns_that_always_come_together_share_the_sum():
    squares = LeastSquares("ab")
    for value in (9.0, 10.0, 11.0):
        squares.add({"a": 1, "b": 1}, value)
    factors = squares.factors()
    assert factors["a"] == pytest.approx(factors["b"])
    assert factors["a"] + factors["b"] == pytest.approx(10.0, abs=0.01)


def test_column_that_never_occurred_is_0():
    squares = LeastSquares("ab")
    squares.add({"a": 2}, 6.0)
    assert squares.factors() == pytest.approx({"a": 3.0, "b": 0.0}, abs=0.01)
    assert LeastSquares("").factors() == {}
    assert LeastSquares("a").factors() == {"a": 0.0}
