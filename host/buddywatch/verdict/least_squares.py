"""Least squares on a few columns, by the normal equations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_RIDGE = 1e-6  # of the largest diagonal element: columns that always come together share what they explain


class LeastSquares:
    """Finds the factors of columns whose sum comes nearest to the values. Memory is that of the columns only."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._place = {name: at for at, name in enumerate(columns)}
        size = len(self._place)
        self._matrix = [[0.0] * size for _ in range(size)]
        self._right = [0.0] * size

    def add(self, row: Mapping[str, float], value: float) -> None:
        """row: the columns that are not 0."""
        entries = [(self._place[name], amount) for name, amount in row.items() if amount]
        for i, amount in entries:
            self._right[i] += amount * value
            for k, other in entries:
                self._matrix[i][k] += amount * other

    def factors(self) -> dict[str, float]:
        """By column; 0 for a column that never occurred."""
        largest = max((self._matrix[i][i] for i in range(len(self._matrix))), default=0.0)
        rows = [[*row, right] for row, right in zip(self._matrix, self._right, strict=True)]
        for i, row in enumerate(rows):
            row[i] += _RIDGE * largest or 1.0
        solved = _solved(rows)
        return {name: solved[at] for name, at in self._place.items()}


def _solved(rows: list[list[float]]) -> list[float]:
    """Gauss's elimination of a symmetric matrix with a positive diagonal, which needs no pivots."""
    for i, pivot in enumerate(rows):
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i]
            if factor:
                for k in range(i, len(row)):
                    row[k] -= factor * pivot[k]
    solution = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        known = sum(rows[i][k] * solution[k] for k in range(i + 1, len(rows)))
        solution[i] = (rows[i][-1] - known) / rows[i][i]
    return solution
