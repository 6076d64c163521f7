"""Small faults for a Python source, each in one place: `make mutants` applies them to see whether a test notices.

In: the text of a file. Out: its mutants, in the order of the text. Reads and writes nothing.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC = {ast.Add: "-", ast.Sub: "+", ast.FloorDiv: "*", ast.Mod: "+"}
# Words of SQL, in strings that hold any of its verbs.
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA)\b")
SQL_WORDS = {"<=": "<", ">=": ">", " AND ": " OR ", " DESC": "", "MAX(": "MIN(", "MIN(": "MAX(", "= FULL": "= OFF"}
SQL_WORDS |= {"= NORMAL": "= OFF", "OR IGNORE ": "", "OR REPLACE ": "OR IGNORE ", " NOT NULL": " IS NULL"}


@dataclass(frozen=True)
class Mutant:
    """A source with one fault: the text between two offsets is replaced."""

    kind: str
    start: int
    end: int
    new: str

    def of(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]

    def lines(self, source: str) -> tuple[int, str, str]:
        """(number, line, line with the fault) where the fault begins, both lines without indentation."""
        mutated = self.of(source)
        first = source.rfind("\n", 0, self.start) + 1
        old_end, new_end = source.find("\n", self.end), mutated.find("\n", self.start + len(self.new))
        number = source.count("\n", 0, self.start) + 1
        old, new = source[first : old_end if old_end >= 0 else None], mutated[first : new_end if new_end >= 0 else None]
        return number, _one_line(old), _one_line(new)


def mutants(source: str) -> list[Mutant]:
    """All mutants of a source, the same at every call."""
    return sorted(_Finder(source).found(), key=lambda mutant: (mutant.start, mutant.end, mutant.new))


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Finder:
    """Walks a source and collects its mutants."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self._starts = [0]  # of lines, in bytes, as ast counts columns in bytes of UTF-8
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._bytes = source.encode()
        self._skipped = self._not_code()
        self._times_set: Counter[tuple[ast.AST | None, str]] = Counter()
        self._function_of: defaultdict[ast.AST, ast.AST | None] = defaultdict(lambda: None)
        self._count_names()

    def found(self) -> Iterator[Mutant]:
        for node in self._walk(self.tree):
            if isinstance(node, ast.Compare):
                yield from self._comparison(node)
            elif isinstance(node, ast.BoolOp):
                yield from self._and_or(node)
            elif isinstance(node, ast.Constant):
                yield from self._constant(node)
            elif isinstance(node, ast.If | ast.While | ast.IfExp):
                yield from self._condition(node.test)
            elif isinstance(node, ast.BinOp):
                yield from self._arithmetic(node)
            elif isinstance(node, ast.FunctionDef):
                yield from self._early_return(node)
            elif isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Delete | ast.Raise | ast.Continue):
                yield from self._dropped(node)

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if child not in self._skipped:
                yield child
                yield from self._walk(child)

    def _not_code(self) -> set[ast.AST]:
        """Docstrings, annotations, decorators, f-strings, and the texts of errors."""
        skipped: set[ast.AST] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                skipped.add(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                skipped |= set(node.decorator_list)
            if isinstance(node, ast.FunctionDef) and node.returns:
                skipped.add(node.returns)
            if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
                skipped.add(node.annotation)
            if isinstance(node, ast.JoinedStr):
                skipped.add(node)
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                skipped |= set(node.exc.args)
        return skipped

    def _offset(self, line: int, column: int) -> int:
        """An offset in characters."""
        return len(self._bytes[: self._starts[line - 1] + column].decode())

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _between(self, left: ast.expr, right: ast.expr, word: str, new: str, kind: str) -> Iterator[Mutant]:
        """Replace a word between two expressions, which may be in brackets."""
        start, end = self._span(left)[1], self._span(right)[0]
        if match := re.search(rf"(?<![\w<>=!/]){re.escape(word)}(?![\w<>=/])", self.source[start:end]):
            yield Mutant(kind, start + match.start(), start + match.end(), new)

    def _comparison(self, node: ast.Compare) -> Iterator[Mutant]:
        texts = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
        texts |= {ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield from self._between(left, right, texts[type(operator)], COMPARISONS[type(operator)], "comparison")

    def _and_or(self, node: ast.BoolOp) -> Iterator[Mutant]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from self._between(left, right, old, new, "and-or")

    def _arithmetic(self, node: ast.BinOp) -> Iterator[Mutant]:
        old = {ast.Add: "+", ast.Sub: "-", ast.FloorDiv: "//", ast.Mod: "%"}.get(type(node.op))
        if old and not isinstance(node.left, ast.Constant | ast.JoinedStr):
            yield from self._between(node.left, node.right, old, ARITHMETIC[type(node.op)], "arithmetic")

    def _constant(self, node: ast.Constant) -> Iterator[Mutant]:
        start, end = self._span(node)
        if isinstance(node.value, bool):
            yield Mutant("constant", start, end, str(not node.value))
        elif isinstance(node.value, int):
            yield Mutant("constant", start, end, str(node.value + 1))
        elif isinstance(node.value, str) and SQL.search(node.value):
            for old, new in SQL_WORDS.items():
                for match in re.finditer(re.escape(old), self.source[start:end]):
                    yield Mutant("sql", start + match.start(), start + match.end(), new)

    def _condition(self, test: ast.expr) -> Iterator[Mutant]:
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1):  # that one is turned as a comparison
            start, end = self._span(test)
            yield Mutant("condition", start, end, f"(not ({self.source[start:end]}))")

    def _dropped(self, node: ast.stmt) -> Iterator[Mutant]:
        """A statement that does nothing. Not the only one that gives a name its value: that fails at the first use."""
        if isinstance(node, ast.Assign) and not all(self._is_set_elsewhere(target) for target in node.targets):
            return
        start, end = self._span(node)
        yield Mutant("dropped", start, end, "pass")

    def _is_set_elsewhere(self, target: ast.expr) -> bool:
        return not isinstance(target, ast.Name | ast.Tuple) or (
            isinstance(target, ast.Name) and self._times_set[self._function_of[target], target.id] > 1
        )

    def _early_return(self, node: ast.FunctionDef) -> Iterator[Mutant]:
        """A function that does nothing; where it gives a value, its callers would fail at once."""
        body = [statement for statement in node.body if statement not in self._skipped]
        own = [child for statement in body for child in ast.walk(statement)]
        gives = any(isinstance(child, ast.Yield | ast.YieldFrom) or _returns_value(child) for child in own)
        if len(body) > 1 and not gives and node.name != "__init__":
            start = self._span(body[0])[0]
            yield Mutant("return", start, start, f"return\n{' ' * body[0].col_offset}")

    def _count_names(self) -> None:
        """How often each function sets each of its names, arguments included."""
        for function in ast.walk(self.tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for child in ast.walk(function):
                if isinstance(child, ast.arg):
                    self._times_set[function, child.arg] += 1
                elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                    self._times_set[function, child.id] += 1
                    self._function_of[child] = function


def _returns_value(node: ast.AST) -> bool:
    return isinstance(node, ast.Return) and node.value is not None
