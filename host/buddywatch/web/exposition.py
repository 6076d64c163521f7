"""Values in the text format of Prometheus (exposition format 0.0.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

KIND = "text/plain; version=0.0.4; charset=utf-8"
GAUGE, COUNTER = "gauge", "counter"
Labels = Mapping[str, str]


@dataclass
class Family:
    """All values of one name."""

    name: str
    kind: str
    help: str
    values: list[tuple[Labels, float]] = field(default_factory=list)

    def add(self, value: float | None, **labels: str) -> None:
        """None: not known, and then there is no value."""
        if value is not None:
            self.values.append((labels, value))


def exposition(families: Iterable[Family]) -> str:
    """Families without a value are left out."""
    return "".join(f"{line}\n" for family in families if family.values for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.values:
        inner = ",".join(f'{name}="{_label(text)}"' for name, text in labels.items())
        yield f"{family.name}{'{' + inner + '}' if inner else ''} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(round(value, 3))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
